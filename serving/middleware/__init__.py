"""The ASGI middlewares between the server and the operations, which `serving.service` puts in order."""

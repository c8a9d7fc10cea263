"""The ASGI middlewares between the server and the operations, outermost first.

paths      counts each request under the path that it belongs to
login      asks for the token, or for a name of this machine
sentences  writes every refusal as one sentence
bodies     takes JSON alone, of bounded size and with one meaning
slots      bounds how many requests run at once, and watches whether their clients still wait
"""

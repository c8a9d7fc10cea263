"""How a language model ranks dishes: prompts, packing, hidden states, dish vectors, losses."""

"""How long calls of a model take: what a call is, how calls are taken in turns, what is made of many. No torch, no model."""

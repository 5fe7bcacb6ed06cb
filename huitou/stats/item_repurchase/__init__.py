"""Who buys which item again, when, and how much: a closed form, a learned form, and dates where a rhythm bears them."""

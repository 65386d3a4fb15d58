#pragma once
/// The built-in table of prices, as text; see Prices/generate.py.
extern const char roost_prices[];
extern const unsigned long roost_prices_size;

static inline const char *roost_prices_table(void) { return roost_prices; }

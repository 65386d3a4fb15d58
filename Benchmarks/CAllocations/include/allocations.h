#pragma once

// Calls of malloc in this program so far, by any thread.
long roost_allocations(void);

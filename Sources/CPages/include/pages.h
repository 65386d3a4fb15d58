#pragma once

/* Unmaps every page of the program and its libraries that is only read or run; what is needed again
 * comes back from the page cache. Any thread. */
void roost_forget_pages(void);

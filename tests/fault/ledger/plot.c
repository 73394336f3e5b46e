#include "ledger.h"
bool plot_write(const char *path, const struct settings *settings)
{ (void)path; (void)settings; return true; }

#include <arch/x86/sections.h>

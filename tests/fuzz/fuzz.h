/*
 * What the targets of libFuzzer share. Each file of this folder gives one parser of the kernel,
 * which reads bytes from outside, any bytes at all (https://llvm.org/docs/LibFuzzer.html). Built
 * for i386, so that addresses have the kernel's size.
 */
#pragma once

#include <lib/panic.h>
#include <lib/string.h>
#include <lib/types.h>

/* libFuzzer calls it for each input; it returns 0. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FUZZ_INPUT_MAX 65536 /* the rest of an input is not used */

/*
 * A copy of the input whose end is the end of mapped memory: a read behind it faults, without
 * AddressSanitizer, too. Valid until the next call. It begins at a multiple of `align`, a power of
 * two; so its last bytes are cut off if the size is no such multiple.
 */
const u8 *fuzz_copy(const u8 *data, size_t *size, size_t align);

/* Read each byte, so that a range that is not in the input faults. */
void fuzz_read(const void *from, size_t size);

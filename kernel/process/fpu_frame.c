/*
 * The floating-point registers in the frame of a signal: Linux's struct _fpstate_32.
 *
 * Its first 112 bytes have the format of fnsave; a processor without FXSR has nothing more. With
 * FXSR, an fxsave image follows, which contains the x87 registers again; on the return the first
 * copy is used, and only MXCSR and the XMM registers come from the second one (<asm/sigcontext.h>).
 * Handlers may change either.
 *
 * The two formats differ in the tags: fnsave has two bits per register, by number (valid, zero,
 * special, empty); fxsave has one, empty or not, and the others follow from the register (Intel SDM
 * vol. 1, 10.5.1.1).
 *
 * A program may write any value into its frame. The processor refuses only reserved bits of MXCSR;
 * the kernel refuses them, too, as Linux does since 5.14.
 *
 * Neighbours: kernel/process/sigframe.c places the frame; kernel/process/process_fpu.c has the
 * state.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/fpu.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <kernel/process/process_fpu.h>
#include <lib/string.h>

#define LEGACY_SIZE offsetof(struct _fpstate_32, _fxsr_env)
#define MAGIC_FXSR  X86_FXSR_MAGIC
#define MAGIC_PLAIN 0xffff

_Static_assert(LEGACY_SIZE == sizeof(struct fnsave_image) + 4, "status and magic follow");
_Static_assert(sizeof(struct _fpstate_32) == LEGACY_SIZE + sizeof(struct fxsave_image),
               "the two images, one behind the other");

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static u32 register_tag(const struct fpu_register *st)
{
    const u16 *s = st->significand;

    switch (st->exponent & 0x7fff) {
    case 0x7fff:
        return TAG_SPECIAL;
    case 0:
        return s[0] | s[1] | s[2] | s[3] ? TAG_SPECIAL : TAG_ZERO;
    default:
        return s[3] & 0x8000 ? TAG_VALID : TAG_SPECIAL;
    }
}

/* Register `i` by number is st[i - top]. */
static u32 full_tags(const struct fxsave_image *fx)
{
    u32 top = fx->swd >> 11 & 7, tags = 0;

    for (u32 i = 0; i < 8; i++) {
        u32 tag = fx->tag & 1u << i ? register_tag(&fx->st[(i - top) & 7]) : TAG_EMPTY;

        tags |= tag << 2 * i;
    }
    return tags;
}

static u8 short_tags(u32 tags)
{
    u8 result = 0;

    for (u32 i = 0; i < 8; i++)
        result |= ((tags >> 2 * i & 3) != TAG_EMPTY) << i;
    return result;
}

static void legacy_from_fxsave(struct fnsave_image *fn, const struct fxsave_image *fx)
{
    *fn = (struct fnsave_image){.cwd = 0xffff0000 | fx->cwd,
                                .swd = 0xffff0000 | fx->swd,
                                .twd = 0xffff0000 | full_tags(fx),
                                .fip = fx->fip,
                                .fcs = (fx->fcs & 0xffff) | (u32)fx->fop << 16,
                                .foo = fx->foo,
                                .fos = fx->fos};
    for (u32 i = 0; i < 8; i++)
        memcpy(fn->st[i], &fx->st[i], sizeof(fn->st[i]));
}

static void fxsave_from_legacy(struct fxsave_image *fx, const struct fnsave_image *fn)
{
    fx->cwd = fn->cwd;
    fx->swd = fn->swd;
    fx->tag = short_tags(fn->twd);
    fx->reserved = 0;
    fx->fop = fn->fcs >> 16;
    fx->fip = fn->fip;
    fx->fcs = fn->fcs & 0xffff;
    fx->foo = fn->foo;
    fx->fos = fn->fos;
    for (u32 i = 0; i < 8; i++)
        memcpy(&fx->st[i], fn->st[i], sizeof(fn->st[i]));
}

/* Bytes of the frame on this processor. */
static u32 frame_size(void)
{
    return cpu_features.fxsr ? sizeof(struct _fpstate_32) : LEGACY_SIZE;
}

u32 fpu_frame_size(void)
{
    return current->thread.fpu ? frame_size() : 0;
}

/* Set the registers to their initial state. */
static void fpu_fresh(void)
{
    if (!current->thread.fpu)
        return;
    fpu_forget(&current->thread);
    fpu_state_init(current->thread.fpu);
}

int fpu_to_user(void *user_fpstate)
{
    struct fpu_state *state = current->thread.fpu;
    struct {
        struct fnsave_image fn;
        u16 status, magic;
    } legacy;

    fpu_sync(&current->thread);
    if (cpu_features.fxsr)
        legacy_from_fxsave(&legacy.fn, &state->fx);
    else
        legacy.fn = state->fn;
    legacy.status = legacy.fn.swd;
    legacy.magic = cpu_features.fxsr ? MAGIC_FXSR : MAGIC_PLAIN;
    if (copy_to_user(user_fpstate, &legacy, LEGACY_SIZE))
        return -EFAULT;
    if (cpu_features.fxsr && copy_object_to_user((u8 *)user_fpstate + LEGACY_SIZE, &state->fx))
        return -EFAULT;
    fpu_fresh();
    return 0;
}

int fpu_from_user(const void *user_fpstate)
{
    struct fpu_state new, *state;
    struct fnsave_image fn;

    if (!user_fpstate) {
        fpu_fresh();
        return 0;
    }
    if (copy_from_user(&fn, user_fpstate, sizeof(fn)))
        return -EFAULT;
    if (cpu_features.fxsr) {
        if (copy_from_user(&new.fx, (const u8 *)user_fpstate + LEGACY_SIZE, sizeof(new.fx)))
            return -EFAULT;
        if (cpu_features.sse && (new.fx.mxcsr & ~fpu_mxcsr_mask()))
            return -EFAULT;
        fxsave_from_legacy(&new.fx, &fn);
    } else {
        memset(&new, 0, sizeof(new));
        new.fn = fn;
    }
    state = fpu_state_get();
    if (!state)
        return -ENOMEM;
    fpu_forget(&current->thread);
    *state = new;
    return 0;
}

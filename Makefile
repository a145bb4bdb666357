# Attic: build, run, test. `make help` lists the targets and variables.

# ---- set-up -------------------------------------------------------------------------------------
# make looks for the compiler and the headers while it reads this file. In `make setup run` they exist only after set-up, so a second make
# builds the targets other than set-up.

SETUP_GOALS := $(filter setup setup-dev setup-web,$(MAKECMDGOALS))
ifneq ($(SETUP_GOALS),)

LATER_GOALS := $(filter-out $(SETUP_GOALS),$(MAKECMDGOALS))

.PHONY: $(MAKECMDGOALS)
setup:
	@scripts/setup

setup-dev:
	@scripts/setup dev

setup-web:
	@scripts/setup web

ifneq ($(LATER_GOALS),)
$(firstword $(LATER_GOALS)): $(SETUP_GOALS)
	@$(MAKE) --no-print-directory $(LATER_GOALS)
$(wordlist 2,$(words $(LATER_GOALS)),$(LATER_GOALS)): $(firstword $(LATER_GOALS)) ;
endif

else # everything below

DEBUG ?=
KASAN ?=
UBSAN ?=
BUILD ?= build$(if $(filter 1,$(DEBUG)),/checks)$(if $(filter 1,$(KASAN)),/kasan)$(if $(filter 1,$(UBSAN)),/ubsan)
OPT ?= -O2
MEM ?= 128M
CPU ?=
MACHINE ?=
FIRMWARE ?=
ACCEL ?= tcg
# What `make busybox` and similar targets fetch is stored once for all variants of the build.
FETCHED ?= $(if $(filter build build/%,$(BUILD)),build,$(BUILD))
CMDLINE ?=
INIT ?=
T ?=
GDBPORT ?= 1234
BATCH ?=
EXTRA_CFLAGS ?=
COVERAGE ?=
V ?=

# BUG=name: a kernel broken on purpose (tests/mutants/); VARIANT=name: one that solves a problem in another way (tests/variants/);
# SOLUTION=name: one with the files of a student, which scripts/lab grade has put there. Each has its own folder, to which objects that are
# already built and stay the same are copied.
BUG ?=
VARIANT ?=
SOLUTION ?=
CHANGED :=
CHANGE := $(strip $(BUG) $(VARIANT) $(SOLUTION))
UNCHANGED_BUILD := $(BUILD)
ifneq ($(CHANGE),)
  ifneq ($(findstring ',$(CHANGE))$(word 2,$(CHANGE)),)
    $(error BUG= or VARIANT= takes one name; scripts/bug and scripts/variant list them)
  endif
  CHANGED := $(shell scripts/$(if $(BUG),bug,$(if $(VARIANT),variant,lab files)) '$(BUILD)' '$(CHANGE)')
  ifeq ($(CHANGED),)
    $(error nothing is built for $(if $(BUG),BUG,$(if $(VARIANT),VARIANT,SOLUTION))=$(CHANGE))
  endif
  override BUILD := $(BUILD)/$(if $(BUG),bugs,$(if $(VARIANT),variants,solutions))/$(CHANGE)
  CHANGED_FLAGS = -I$(BUILD)/changed/include "-ffile-prefix-map=$(BUILD)/changed/="
  WARNINGS_ONLY := $(if $(BUG)$(SOLUTION),-Wno-error) # the compiler may have noticed the mistake
endif

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.DEFAULT_GOAL := all

# A short line for each step, or with V=1 the whole command: $(call say,CC,file) and $(Q)command.
ifeq ($(V),1)
  Q :=
else
  Q := @
endif
say = $(if $(Q),@echo '  $(1) $(2)$(if $(NOTE), $(NOTE))')

# ---- tools --------------------------------------------------------------------------------------

# Linux's UAPI headers, for the system-call ABI and ELF; after the compiler's own headers.
CROSS_HEADERS := /usr/i686-linux-gnu/include
UAPI := $(if $(wildcard $(CROSS_HEADERS)/asm/unistd_32.h),$(CROSS_HEADERS), \
  /usr/include $(wildcard /usr/include/i386-linux-gnu /usr/include/x86_64-linux-gnu))
UAPI_FLAGS := $(addprefix -idirafter ,$(UAPI))

ifneq ($(findstring clang,$(notdir $(CC))),)
  ifeq ($(COVERAGE),1)
    $(error the counters of `make coverage` are those of gcc)
  endif
  ifeq ($(KASAN),1)
    $(error KASAN=1 needs gcc: clang adds calls of memcpy() that pass the arguments on the stack, in spite of -mregparm)
  endif
  TARGET_FLAGS := --target=i686-linux-gnu -mstack-alignment=4
  NO_CHECK := -fno-integrated-as
else
  TARGET_FLAGS := -m32 -mpreferred-stack-boundary=2
endif

# CROSS=prefix, or the prefix of the first GNU tools that can build an i386 program, with their own gcc or with CC.
ifeq ($(origin CROSS),undefined)
  CROSS := $(shell scripts/make/find-compiler '$(if $(filter-out default,$(origin CC)),$(CC))' $(TARGET_FLAGS) $(UAPI_FLAGS))
endif
ifeq ($(origin CC),default)
  CC := $(CROSS)gcc
endif
LD := $(CROSS)ld
OBJCOPY := $(CROSS)objcopy
NM := $(CROSS)nm
NASM ?= nasm
# Scripts and tests read and strip i386 files, too.
export CROSS OBJCOPY NM

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
# A guard page of 4 KiB catches a stack overflow only if no function's frame is larger than the page, and no function may use a large part
# of the 8 KiB.
FRAMES := -Wframe-larger-than=1536 -Walloca
# What the kernel checks about itself. KASAN=1 needs the red zones of DEBUG=1.
CHECKS := $(if $(filter 1,$(DEBUG) $(KASAN)),-DCONFIG_DEBUG_SLAB) $(if $(filter 1,$(DEBUG)),-DCONFIG_DEBUG_TLB) \
  $(if $(filter 1,$(KASAN)),-DCONFIG_KASAN) $(if $(filter 1,$(UBSAN)),-DCONFIG_UBSAN)
# No SSE, no PIC, frame pointers for backtraces; arguments in registers and a 4-byte aligned stack, as the whole
# kernel, its assembly included, agrees on.
KERNEL_FLAGS := -std=gnu11 $(TARGET_FLAGS) -march=i686 -mregparm=3 -freg-struct-return -mgeneral-regs-only \
  -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer -fno-optimize-sibling-calls \
  -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common "-ffile-prefix-map=$(CURDIR)/=" \
  $(OPT) -g $(WARNINGS) $(FRAMES) -Iinclude -iquote . $(UAPI_FLAGS) $(CHECKS) $(EXTRA_CFLAGS)
# nasm's default warnings, which -Werror turns into errors, too; -w+all warns about each address in another section, and an entry table
# consists of such addresses only.
NASM_FLAGS := -f elf32 -g -F dwarf $(if $(filter -Werror,$(EXTRA_CFLAGS)),-w+error) -I$(BUILD)/gen/

# ---- the kernel ---------------------------------------------------------------------------------

# Every file of these folders and of the rooms in them, and those that only a changed kernel has; tests/fuzz, tests/host and tests/peers are
# for other machines.
KERNEL_TOPS := boot arch lib mm drivers fs kernel tests
SOURCES := $(filter-out boot/asm-offsets.c tests/fuzz/% tests/host/% tests/peers/% tests/run/%, \
  $(sort $(shell find $(KERNEL_TOPS) -name '*.c' -o -name '*.asm') \
  $(filter $(KERNEL_TOPS:%=%/%.c) $(KERNEL_TOPS:%=%/%.asm),$(CHANGED))))
OBJECTS := $(SOURCES:%=$(BUILD)/%.o)

.PHONY: all
all: $(BUILD)/attic.elf $(BUILD)/attic.iso $(BUILD)/attic-lean.elf

# For `make coverage`: counters for each branch of the kernel and a section that lists them. Nothing in the kernel uses them:
# scripts/coverage reads them from the memory of the machine. gcc wants the function that adds counters, and compares it with 0 only.
ifeq ($(COVERAGE),1)
  COVERAGE_FLAGS := -fprofile-arcs -ftest-coverage -fprofile-info-section=.gcov_info
  COVERAGE_SYMBOLS := --defsym=__gcov_merge_add=1 '--defsym=__gcov_info=ADDR(.gcov_info)' \
    '--defsym=__gcov_info_size=SIZEOF(.gcov_info)'
endif

# The kernel with its debug information, and what GRUB loads: the same without it. The latter keeps the symbols of code, for backtraces, and
# of global variables, for `explain`. Symbols of static data are removed, unless a function or a global variable has the same name, as
# objcopy selects symbols by name. attic-lean is the kernel without its self-tests, to see how much of it they are.
LINK_KERNEL = $(LD) -m elf_i386 -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none --no-warn-rwx-segments \
  -T $(BUILD)/gen/linker.ld $(COVERAGE_SYMBOLS) -o $@

$(BUILD)/attic.debug: $(OBJECTS) $(BUILD)/gen/linker.ld $(BUILD)/sources
	$(call say,LD,$@)
	$(Q)$(LINK_KERNEL) $(OBJECTS)

$(BUILD)/attic-lean.debug: $(OBJECTS) $(BUILD)/gen/linker.ld $(BUILD)/sources
	$(call say,LD,$@)
	$(Q)$(LINK_KERNEL) $(filter-out $(BUILD)/tests/%,$(OBJECTS))

$(BUILD)/%.elf: $(BUILD)/%.debug
	$(Q)$(NM) $< | awk '$$2 ~ /[bdr]/ {data[$$3]} $$2 !~ /[bdr]/ {kept[$$3]} END {for (name in data) if (!(name in kept)) print name}' \
	  > $(BUILD)/gen/$*-data-symbols
	$(Q)$(OBJCOPY) --strip-debug --strip-symbols=$(BUILD)/gen/$*-data-symbols $< $@
	$(Q)cd $(@D) && $(OBJCOPY) --add-gnu-debuglink=$*.debug $*.elf

# Tests are half of the image and need not be fast: they are built for size. The rows of `make bench` are built like the kernel.
$(BUILD)/tests/%.c.o: SIZE_FLAGS := $(if $(filter -O2,$(OPT)),-Os)
$(BUILD)/tests/mm/%/bench_pages.c.o $(BUILD)/tests/mm/%/bench_vmalloc.c.o: SIZE_FLAGS :=

$(BUILD)/tests/%.c.o: COVERAGE_FLAGS :=

# KASAN=1: the compiler calls lib/kasan.c before each access. It is told to make no shadow itself, as the kernel's is not in one piece; so
# variables on the stack have none. The slab allocator works in memory that nobody else may access.
# UBSAN=1: it calls lib/ubsan.c where an operation has no meaning in C.
ifeq ($(KASAN),1)
  KASAN_FLAGS := -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 --param asan-stack=0 --param asan-globals=1
endif
ifeq ($(UBSAN),1)
  # This processor may access any address; a null pointer faults, unless it is a user's, of which only a member's address is taken. clang
  # looks for a mark in front of each function that is called through a pointer, which those in assembly have not.
  UBSAN_FLAGS := -fsanitize=undefined -fno-sanitize=alignment,null $(if $(findstring clang,$(notdir $(CC))),-fno-sanitize=function)
endif
UNCHECKED := lib/kasan.c lib/ubsan.c $(wildcard mm/frame/slab*.c) mm/frame/kmalloc.c
$(BUILD)/tests/%.c.o $(UNCHECKED:%=$(BUILD)/%.o): KASAN_FLAGS :=
$(BUILD)/lib/ubsan.c.o: UBSAN_FLAGS :=

define COMPILE
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CHANGED_FLAGS) $(KERNEL_FLAGS) $(WARNINGS_ONLY) $(SIZE_FLAGS) $(COVERAGE_FLAGS) $(KASAN_FLAGS) $(UBSAN_FLAGS) -MMD -MP -MF $@.d -c $< -o $@
endef

define ASSEMBLE
	@mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)$(NASM) $(NASM_FLAGS) -MD $@.d -MP $< -o $@
endef

$(BUILD)/%.c.o: %.c $(BUILD)/flags
	$(COMPILE)

$(BUILD)/%.asm.o: %.asm $(BUILD)/gen/asm-offsets.inc $(BUILD)/flags
	$(ASSEMBLE)

CHANGED_C := $(patsubst %,$(BUILD)/%.o,$(filter %.c,$(CHANGED)))
$(CHANGED_C): $(BUILD)/%.c.o: $(BUILD)/changed/%.c $(BUILD)/flags
	$(COMPILE)

CHANGED_ASM := $(patsubst %,$(BUILD)/%.o,$(filter %.asm,$(CHANGED)))
$(CHANGED_ASM): $(BUILD)/%.asm.o: $(BUILD)/changed/%.asm $(BUILD)/gen/asm-offsets.inc $(BUILD)/flags
	$(ASSEMBLE)

# Numbers that nasm and the linker script share with C are generated from the headers. The output of asm-offsets.c is not valid assembly,
# which clang would notice if its own assembler ran.
$(BUILD)/gen/asm-offsets.inc: boot/asm-offsets.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(CC) $(KERNEL_FLAGS) $(NO_CHECK) -MMD -MP -MT $@ -MF $(BUILD)/gen/boot-offsets.d -S $< -o $@.s
	$(Q)sed -n 's/^.*->\([A-Z0-9_]*\) [$$]*\([0-9-]*\).*/%define \1 \2/p' $@.s > $@

$(BUILD)/gen/linker.ld: linker.ld $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(CC) $(TARGET_FLAGS) -E -P -undef -x assembler-with-cpp -D__ASSEMBLER__ -Iinclude -MMD -MP -MT $@ -MF $@.d $< -o $@

# ---- user programs ------------------------------------------------------------------------------

# Every user/*.c, and every one below user/tests/, is a program, linked with the common code in user/lib/.
SHOWN_PROGRAMS := $(patsubst user/%.c,%,$(sort $(wildcard user/*.c)))
TEST_PROGRAMS := $(patsubst user/tests/%.c,%,$(sort $(wildcard user/tests/*.c)))
HELPER_PROGRAMS := $(patsubst user/tests/helpers/%.c,%,$(sort $(wildcard user/tests/helpers/*.c)))
PROGRAMS := $(sort $(SHOWN_PROGRAMS) $(TEST_PROGRAMS) $(HELPER_PROGRAMS))
PROGRAM_FILES := $(SHOWN_PROGRAMS:%=user/%.c) $(TEST_PROGRAMS:%=user/tests/%.c) $(HELPER_PROGRAMS:%=user/tests/helpers/%.c)
USER_LIB := $(patsubst %,$(BUILD)/%.o,$(sort $(wildcard user/*.asm user/lib/*.asm user/lib/*.c)))
USER_FLAGS := -std=gnu11 $(TARGET_FLAGS) -march=i686 -mgeneral-regs-only -ffreestanding -fno-pic -fno-pie \
  -fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer "-ffile-prefix-map=$(CURDIR)/=" \
  $(OPT) -g $(WARNINGS) -Wno-missing-prototypes -Iuser $(UAPI_FLAGS) $(EXTRA_CFLAGS)

$(BUILD)/user/%.c.o: user/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_FLAGS) -MMD -MP -MF $@.d -c $< -o $@

define LINK_PROGRAM
	$(call say,LD,$@)
	$(Q)$(LD) -m elf_i386 -nostdlib -static --build-id=none -z max-page-size=4096 -T user/user.ld -o $@ $< $(USER_LIB)
endef

$(SHOWN_PROGRAMS:%=$(BUILD)/user/%): $(BUILD)/user/%: $(BUILD)/user/%.c.o $(USER_LIB) user/user.ld
	$(LINK_PROGRAM)

$(TEST_PROGRAMS:%=$(BUILD)/user/%): $(BUILD)/user/%: $(BUILD)/user/tests/%.c.o $(USER_LIB) user/user.ld
	$(LINK_PROGRAM)

$(HELPER_PROGRAMS:%=$(BUILD)/user/%): $(BUILD)/user/%: $(BUILD)/user/tests/helpers/%.c.o $(USER_LIB) user/user.ld
	$(LINK_PROGRAM)

# ---- programs of ordinary C libraries -----------------------------------------------------------

BUSYBOX = $(wildcard $(FETCHED)/busybox/busybox)
MUSL = $(if $(wildcard $(FETCHED)/musl/lib/libc.a),$(FETCHED)/musl)

.PHONY: busybox musl linux libc
busybox musl linux:
	@scripts/fetch $@ '$(FETCHED)'

# Every user/linux/*.c is a program for Linux, built statically by the cross compiler with its glibc, and with musl if that is installed.
# All except those that only the tests need (they are large) are among Attic's programs; hello is called glibc_hello there, because there is
# a hello already.
LIBC_CC := $(if $(wildcard /usr/i686-linux-gnu/lib/libc.a),$(shell command -v i686-linux-gnu-gcc))
LIBC_NAMES := $(patsubst user/linux/%.c,%,$(sort $(wildcard user/linux/*.c)))
LIBC_FLAGS := -std=gnu11 -O2 -static -fno-pie -no-pie -march=i686 "-ffile-prefix-map=$(CURDIR)/=" $(WARNINGS) -s \
  -Wl,--build-id=none
MUSL_FLAGS = -nostdinc -isystem $(MUSL)/include -isystem $(shell $(LIBC_CC) -print-file-name=include) \
  -fno-stack-protector -nostdlib -nostartfiles -L$(MUSL)/lib
LIBC_TESTS := clocks files format memory processes shared signals
LIBC_PROGRAMS := $(if $(LIBC_CC),$(filter-out $(LIBC_TESTS),$(LIBC_NAMES)))

libc: $(if $(LIBC_CC),$(LIBC_NAMES:%=$(BUILD)/user/glibc/%) $(if $(MUSL),$(LIBC_NAMES:%=$(BUILD)/user/musl/%)))

$(BUILD)/user/glibc/%: user/linux/%.c user/linux/check.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,GLIBC,$<)
	$(Q)$(LIBC_CC) $(LIBC_FLAGS) $(EXTRA_CFLAGS) $< -o $@ -lm

# The options of musl-gcc's specs, as a command line.
$(BUILD)/user/musl/%: user/linux/%.c user/linux/check.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,MUSL,$<)
	$(Q)$(LIBC_CC) $(LIBC_FLAGS) $(MUSL_FLAGS) $(EXTRA_CFLAGS) $(MUSL)/lib/crt1.o $(MUSL)/lib/crti.o $< \
	  -o $@ -lc -lgcc -lc $(MUSL)/lib/crtn.o

# ---- initramfs ----------------------------------------------------------------------------------

INITRAMFS_PROGRAMS = $(foreach name,$(PROGRAMS),$(name)=$(BUILD)/user/$(name)) \
  $(foreach name,$(LIBC_PROGRAMS),$(if $(filter $(name),$(PROGRAMS)),glibc_)$(name)=$(BUILD)/user/glibc/$(name))

# FILES=folder: its contents are added, and replace files of the same name. Names are arbitrary, so make only checks whether something has
# changed.
export FILES ?=

$(BUILD)/initramfs.cpio: $(PROGRAMS:%=$(BUILD)/user/%) $(LIBC_PROGRAMS:%=$(BUILD)/user/glibc/%) $(BUSYBOX) \
  $(BUILD)/programs $(BUILD)/program-texts scripts/make/mkinitramfs
	$(call say,CPIO,$@)
	$(Q)BUSYBOX='$(BUSYBOX)' PROGRAM_TEXTS='$(BUILD)/program-texts' scripts/make/mkinitramfs $@ $(BUILD)/initramfs $(INITRAMFS_PROGRAMS)

# The descriptions of programs that the prompt prints.
$(BUILD)/program-texts: FORCE
	@mkdir -p $(@D)
	@scripts/rooms programs > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Pack again when a program was removed, or anything in FILES has changed.
$(BUILD)/programs: FORCE
	@mkdir -p $(@D)
	$(if $(FILES),@[ -d "$$FILES" ] || { echo "attic: FILES=$$FILES is not a folder" >&2; exit 1; })
	@{ echo '$(INITRAMFS_PROGRAMS) $(BUSYBOX)'; \
	  [ -z "$$FILES" ] || { cd -- "$$FILES" && find . -printf '%p %M %s %T@ %l\n' | sort; }; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Link again when a source file was removed.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(SOURCES)' | cmp -s - $@ || echo '$(SOURCES)' > $@

# Rebuild when the compiler or the flags change; that is also the moment to look for missing tools.
.PHONY: FORCE
# The text goes through the environment, because flags may hold quotes. It does not name the folder of the build, for scripts/bug.
FLAGS_USED = $(CC) $(KERNEL_FLAGS) $(USER_FLAGS) $(NASM) $(NASM_FLAGS) $(LIBC_CC) $(LIBC_FLAGS) $(COVERAGE_FLAGS) $(KASAN_FLAGS) $(UBSAN_FLAGS)
$(BUILD)/flags: export FLAGS_TEXT = $(subst -I$(BUILD)/,-I,$(FLAGS_USED))
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS_TEXT" > $@.new
	@cmp -s $@.new $@ && rm $@.new || { CC='$(CC)' LD='$(LD)' NASM='$(NASM)' \
	  scripts/make/check-tools compile $(TARGET_FLAGS) $(UAPI_FLAGS) && mv $@.new $@; }

# ---- image and run ------------------------------------------------------------------------------

# Where the documents of the monitor's `snapshot` go, and where memdiff finds them.
SNAPSHOTS ?= $(BUILD)/snapshots

# DISPLAY=gtk on the command line selects QEMU's window. A value from the environment, or one that looks like a screen of X (host:0),
# belongs to X. make exports the variables of its command line to the environment; so X's own value is restored from the environment that
# make was started with.
QEMU_DISPLAY :=
ifeq ($(origin DISPLAY)$(findstring :,$(firstword $(subst =, ,$(DISPLAY)))),command line)
  QEMU_DISPLAY := $(DISPLAY)
  override DISPLAY := $(shell tr '\0' '\n' < /proc/$$PPID/environ | sed -n 's/^DISPLAY=//p')
endif

export MEM CPU MACHINE FIRMWARE QEMU_DISPLAY ACCEL SNAPSHOTS

# KERNEL=file: `make run` boots this kernel, with the programs of the build: one of the lab called hunt.
KERNEL ?= $(BUILD)/attic.elf

# Remake the image when the command line or the kernel is another. INIT=PATH is short for init=PATH on it.
export COMMAND_LINE = $(CMDLINE)$(if $(INIT), init=$(INIT))
$(BUILD)/cmdline: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$COMMAND_LINE" | cmp -s - $@ || printf '%s\n' "$$COMMAND_LINE" > $@

$(BUILD)/kernel-file: FORCE
	@mkdir -p $(@D)
	@echo '$(KERNEL)' | cmp -s - $@ || echo '$(KERNEL)' > $@

# GRUB's modules for the PC, with those for UEFI beside them: from installed packages on a PC, and elsewhere unpacked from the packages for
# i386.
export GRUB_MODULES ?= $(if $(filter x86_64 i%86,$(shell uname -m)),/usr/lib/grub/i386-pc,$(FETCHED)/grub/i386-pc)
GRUB_FETCHED := $(if $(filter $(FETCHED)/%,$(GRUB_MODULES)),$(FETCHED)/grub/i386-pc/multiboot2.mod)

$(FETCHED)/grub/i386-pc/multiboot2.mod:
	@scripts/fetch grub '$(FETCHED)'

# What every machine boots. In-kernel tests need no more; each has an ISO with its own command line.
BOOTED := $(BUILD)/attic.elf $(BUILD)/initramfs.cpio $(GRUB_FETCHED)

$(BUILD)/attic.iso: $(BOOTED) $(KERNEL) $(BUILD)/cmdline $(BUILD)/kernel-file grub.cfg scripts/make/mkiso
	@scripts/make/check-tools image
	$(call say,ISO,$@)
	$(Q)scripts/make/mkiso $@ '$(KERNEL)' $(BUILD)/initramfs.cpio "$$COMMAND_LINE"

# A machine that is the same on every host: without files that were fetched, found or asked for.
PLAIN_COMMAND_LINE :=
$(BUILD)/plain/initramfs.cpio: $(PROGRAMS:%=$(BUILD)/user/%) $(BUILD)/programs $(BUILD)/program-texts scripts/make/mkinitramfs
	$(call say,CPIO,$@)
	$(Q)FILES= BUSYBOX= PROGRAM_TEXTS='$(BUILD)/program-texts' scripts/make/mkinitramfs $@ $(BUILD)/plain/initramfs \
	  $(foreach name,$(PROGRAMS),$(name)=$(BUILD)/user/$(name))

$(BUILD)/plain/%.iso: $(BUILD)/attic.elf $(BUILD)/plain/initramfs.cpio $(GRUB_FETCHED) grub.cfg scripts/make/mkiso
	@scripts/make/check-tools image
	$(call say,ISO,$@)
	$(Q)scripts/make/mkiso $@ $(BUILD)/attic.elf $(BUILD)/plain/initramfs.cpio '$(PLAIN_COMMAND_LINE)'

.PHONY: booted run clean
booted: $(BOOTED)

run: $(BUILD)/attic.iso
	$(if $(filter /bin/% /sbin/% /usr/%,$(INIT)),$(if $(BUSYBOX),,$(error $(INIT) comes with busybox: `make busybox` fetches it)))
	@scripts/make/check-tools run
	@scripts/qemu $(if $(INIT),--ctrl-d) $(BUILD)/attic.iso

clean:
	rm -rf $(BUILD) compile_commands.json

# ---- tests --------------------------------------------------------------------------------------

.PHONY: check mutants turns fuzz soak test test-linux coverage docs debug gdb qemu-gdb tour tour-doc lint format compile_commands.json help

# In-kernel tests, T=glob for some of them, on one machine: from a changed line to their result in seconds.
check: booted
	@scripts/make/check-tools image machine
	@BUILD='$(BUILD)' scripts/check '$(T)'

# A student's tree for a lab (labs/README.md), and the points for one; a hunt needs the student's NUMBER.
LAB ?=
DIR ?=
NUMBER ?=
.PHONY: lab grade gradescope labs
lab:
	@BUILD='$(BUILD)' NUMBER='$(NUMBER)' scripts/lab make '$(LAB)' '$(DIR)'
grade: booted $(BUILD)/attic.debug
	@scripts/make/check-tools image machine gdb
	@BUILD='$(BUILD)' NUMBER='$(NUMBER)' scripts/lab grade '$(LAB)' '$(DIR)'

gradescope:
	@BUILD='$(BUILD)' scripts/lab gradescope '$(LAB)'

# Each lab's grader, with the holes, the reference and each wrong solution: LAB=name, T='holes reference', PART=1/10 for some of them.
labs: booted $(BUILD)/attic.debug
	@scripts/make/check-tools image machine gdb
	@BUILD='$(BUILD)' PART='$(PART)' scripts/lab prove '$(LAB)' '$(T)'

# The tests on each kernel of tests/mutants/, until one fails; with ALL=1 all that fail on each, and those that fail on none.
mutants: booted
	@$(MAKE) --no-print-directory DEBUG=1 BUILD='$(BUILD)/checks' booted
	@scripts/make/check-tools image machine
	@BUILD='$(BUILD)' scripts/mutants $(if $(PART),--part '$(PART)') $(if $(ALL),--all) $(T)

# In-kernel tests under SEEDS seeds, each with another order of tasks; SEED=17 for one of them.
SEEDS ?= $(if $(SEED),1,1000)
turns: booted
	@scripts/make/check-tools image machine
	@BUILD='$(BUILD)' scripts/turns $(if $(SEED),--first '$(SEED)') $(if $(T),--globs '$(T)') '$(SEEDS)'

# The parsers of what comes from outside, T=elf for one, and random programs in the kernel: for SECONDS.
SECONDS ?=
fuzz: booted
	@BUILD='$(BUILD)' CC='$(CC)' scripts/fuzz '$(or $(SECONDS),60)' $(T)

soak: booted
	@$(MAKE) --no-print-directory DEBUG=1 BUILD='$(BUILD)/checks' booted
	@scripts/make/check-tools image machine
	@BUILD='$(BUILD)' FUZZ_SECONDS='$(or $(SECONDS),3600)' scripts/test fuzz

# All tests; T=pattern for some of them, and only what these need is built. The last line is `N passed, N failed`.
test:
	@needs=$$(scripts/test --needs '$(T)') || { echo "$$needs"; exit 2; }; $(MAKE) --no-print-directory $$needs
	@scripts/make/check-tools test
	@BUILD='$(BUILD)' FETCHED='$(FETCHED)' CC='$(CC)' scripts/test '$(T)'

# Which lines and branches of the kernel the tests execute; T=pattern for some of them.
coverage: export COVERAGE := 1
coverage: export OPT := -Og
coverage:
	@$(MAKE) --no-print-directory BUILD='$(BUILD)/coverage' FETCHED='$(FETCHED)' NOTE='(for coverage)' all
	@scripts/make/check-tools test coverage
	@FETCHED='$(FETCHED)' scripts/coverage '$(BUILD)/coverage' $(if $(T),'$(T)')

# The tests that compare with Linux, as if this host could not run i386 programs: with Debian's kernel in QEMU.
test-linux: all libc linux busybox
	@scripts/make/check-tools test
	@NO_I386=1 BUILD='$(BUILD)' FETCHED='$(FETCHED)' CC='$(CC)' scripts/test 'linux libc busybox'

# Update the output of the examples in README.md and docs/.
docs: all debug tour-doc picture
	@scripts/rooms update '$(BUILD)'
	@scripts/book update
	@scripts/figures '$(BUILD)/plain/attic.iso' docs/book/figures
	@BUILD='$(BUILD)' CC='$(CC)' scripts/examples update
	@cp '$(BUILD)/picture/map.svg' docs/map.svg

# The book as a site, which can be opened as a file.
.PHONY: book
book:
	@scripts/make/check-tools book
	@mkdir -p '$(BUILD)'
	@scripts/book site '$(BUILD)/book-work' '$(BUILD)/book'
	@echo '$(BUILD)/book/index.html'

# `map` as a picture.
.PHONY: picture
picture: all $(BUILD)/plain/attic.iso
	@mkdir -p '$(BUILD)/picture'
	$(Q)scripts/picture '$(BUILD)/plain/attic.iso' > '$(BUILD)/picture/map.svg'

# ---- costs --------------------------------------------------------------------------------------

.PHONY: bench bench-linux

# What kernel operations cost, next to Linux's figures; T=pattern for some of them.
bench: all
	@scripts/make/check-tools run
	@BUILD='$(BUILD)' scripts/bench '$(T)'

# Linux's figures, measured on this machine; those of processes by the same program as on Attic.
bench-linux: $(BUILD)/user/bench_process busybox linux
	@BUILD='$(BUILD)' FETCHED='$(FETCHED)' scripts/bench-linux

# ---- snapshots ----------------------------------------------------------------------------------

.PHONY: memdiff

# What changed from one snapshot to another, in words; ALL=1 prints lists in full. A change is not a failure.
memdiff:
	@scripts/memdiff --file '$(SNAPSHOTS)' $(if $(ALL),--all) -- '$(A)' '$(B)' || [ $$? -eq 1 ]

# ---- gdb ----------------------------------------------------------------------------------------

# A build that is easy to step through, in its own folder.
DEBUG_BUILD := $(UNCHANGED_BUILD)/debug$(BUILD:$(UNCHANGED_BUILD)%=%)

debug:
	@$(MAKE) --no-print-directory BUILD='$(UNCHANGED_BUILD)/debug' FETCHED='$(FETCHED)' OPT=-Og NOTE='(for gdb)' all

gdb: debug
	@scripts/make/check-tools gdb
	@scripts/debug '$(DEBUG_BUILD)' '$(GDBPORT)'

# The tour of the memory, in gdb: with Enter from stop to stop, or with BATCH=1 only its transcript on standard output. `make tour-doc`
# keeps it in docs/tour.md. The snapshots of the last run stay as they are.
tour tour-doc: SNAPSHOTS :=

tour:
	@$(MAKE) --no-print-directory debug $(if $(BATCH),>&2)
	@scripts/make/check-tools gdb
	@scripts/debug $(if $(BATCH),--transcript,--tour) '$(DEBUG_BUILD)'

tour-doc: debug
	@scripts/make/check-tools gdb
	@scripts/debug --transcript '$(DEBUG_BUILD)' > '$(DEBUG_BUILD)/tour.md' && cp '$(DEBUG_BUILD)/tour.md' docs/tour.md

# Only the QEMU side, on this terminal: an editor or another gdb connects to the port.
qemu-gdb: debug
	@echo 'QEMU waits for a gdb on port $(GDBPORT). In another terminal, in this folder:'
	@echo "  gdb -x scripts/gdb/attic.gdb -ex 'target remote localhost:$(GDBPORT)' $(DEBUG_BUILD)/attic.debug"
	@echo 'Ctrl-A x ends QEMU (without a terminal: Ctrl-C).'
	@scripts/qemu --gdb '$(GDBPORT)' --stopped --keep '$(DEBUG_BUILD)/attic.iso'

# ---- the browser ----

include web/web.mk

# ---- lint ---------------------------------------------------------------------------------------

C_FILES = $(shell find * -name build -prune -o -name '*.[ch]' -print)

lint:
	@scripts/make/check-tools lint
	@echo clang-format; clang-format --dry-run -Werror $(C_FILES)
	@echo cppcheck; cppcheck --quiet --error-exitcode=1 --std=c11 --platform=unix32 --inline-suppr -j2 \
	  --enable=warning,performance,portability --suppressions-list=scripts/make/cppcheck.txt -Iinclude -Iuser -I. \
	  $(filter-out tests/fuzz/% tests/host/% tests/peers/%,$(filter %.c,$(C_FILES)))
	@echo pyflakes; pyflakes3 scripts/attic scripts/gdb tests/run web/tools labs $$(grep -ls '^#!/usr/bin/python3' scripts/*)
	@echo sh; for file in scripts/setup scripts/make/find-compiler scripts/make/check-tools scripts/make/mkiso scripts/make/mkinitramfs scripts/web; do \
	  sh -n "$$file" || exit 1; done; bash -n .ci/run

format:
	clang-format -i $(C_FILES)

# For editors and clang tools: what make would run for every C file of the kernel and of the programs. $(call json,text) is
# the inside of a string.
json = $(subst ",\",$(subst \,\\,$(1)))
compile_commands.json: export JSON_FOLDER = $(call json,$(CURDIR))
compile_commands.json: export JSON_KERNEL = $(call json,$(CC) $(KERNEL_FLAGS))
compile_commands.json: export JSON_USER = $(call json,$(CC) $(USER_FLAGS))
compile_commands.json: FORCE
	@entry() { \
	    printf '%s\n  {"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$$separator" "$$JSON_FOLDER" "$$2" "$$1" "$$2"; \
	    separator=,; \
	  }; \
	  { separator='['; \
	    for file in $(filter %.c,$(SOURCES)) boot/asm-offsets.c; do entry "$$JSON_KERNEL" "$$file"; done; \
	    for file in $(PROGRAM_FILES) $(sort $(wildcard user/lib/*.c)); do entry "$$JSON_USER" "$$file"; done; \
	    printf '\n]\n'; } > $@

# The number of lines to read.
.PHONY: lines
lines:
	@scripts/rooms lines

help:
	@cat scripts/help.txt

-include $(addsuffix .d,$(OBJECTS) $(USER_LIB) $(PROGRAM_FILES:%=$(BUILD)/%.o) \
  $(BUILD)/gen/linker.ld) $(BUILD)/gen/boot-offsets.d

endif # set-up

#!/usr/bin/perl
# Every way a run can end badly is reported as what it is. (What the judge makes of faked logs is in judge.t.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir judge_ktap root_dir symbols);
use Test::More;

sub crash {
    my ($how, %o) = @_;
    return Attic->run(name => "crash-$how", timeout => 60, input => "crash $how\n", %o);
}

# ESP lies within the stack that the report names, or at most `below` it.
sub stack_pointer_fits {
    my ($label, $below) = @_;
    my ($esp) = $main::vm->output =~ /ESP: (\w{8})/;
    my ($bottom, $top) = $main::vm->output =~ /kernel stack 0x(\w{8})-0x(\w{8})/;
    ok defined $esp && defined $top && hex $esp >= hex($bottom) - $below && hex $esp < hex $top, "$label: ESP"
        or diag $main::vm->describe;
}

our $vm = crash('panic');
is $vm->status, 'panic', 'crash panic: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at \S+\.c:\d+/m, 'crash panic: file and line';
like $vm->output, qr/^CR0: [0-9a-f]{8} CR2: /m, 'crash panic: control registers';
like $vm->output, qr/^Call trace:\n(?:  \[<[0-9a-f]{8}>\] \w+\+0x[0-9a-f]+\/0x[0-9a-f]+\n){3,}/m, 'crash panic: backtrace with names';
like $vm->output, qr/\] monitor_main\+/, 'crash panic: down to the thread that did it';
unlike $vm->output =~ s/.*?^PANIC//msr, qr/^attic> /m, 'crash panic: nothing runs afterwards';

$vm = crash('assert');
is $vm->status, 'panic', 'crash assert: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at .*\n?.*assertion failed: two \+ two == 5 \(0x0*4, 0x0*5\)/m, 'crash assert: text and operands';

# A trap in the kernel: the command puts a mark into each register.
$vm = crash('null');
is $vm->status, 'panic', 'crash null: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at crash_null\+\S+: page fault: write to 0x00000000 in ring 0, no page is mapped there/m,
    'crash null: place, kind, address, cause';
like $vm->output, qr/^EIP: 0060:[0-9a-f]{8} EFLAGS: [0-9a-f]{8} error: 00000002$/m, 'crash null: EIP and error code';
like $vm->output, qr/^EAX: 00000000 EBX: 0b0b0b0b ECX: 0c0c0c0c EDX: 0d0d0d0d\nESI: 05050505 EDI: d1d1d1d1 /m,
    'crash null: registers';
like $vm->output, qr/^DS: 0068 ES: 0068 SS: 0068$/m, 'crash null: segments';
like $vm->output, qr/CR2: 00000000/, 'crash null: the address';
like $vm->output, qr/^Address 0x00000000: null; PDE 0: P=0$/m, 'crash null: the place, and the bit that decides';
stack_pointer_fits('crash null', 0);
like $vm->output, qr/^Call trace:\n  \[<\w+>\] crash_null\+.*\n  \[<\w+>\] monitor_crash\+/m, 'crash null: backtrace';

# The same with what the tables say of the place.
$vm = crash('text');
is $vm->status, 'panic', 'crash text: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at crash_text\+\S+: page fault: write to 0x(c\w{7}) in ring 0, the page's rights forbid it .*
Address 0x\1: lowmem, text; PTE \d+: RW=0, CR0\.WP=1$/m, 'crash text: the bits that decide';

$vm = crash('guard');
is $vm->status, 'panic', 'crash guard: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at crash_guard\+\S+: page fault: write to 0x(f\w{7}) in ring 0, no page is mapped there .*
Address 0x\1: vmalloc, guard of 0xf\w{7}\.\.0xf\w{7} by crash_guard\+\S+; PTE \d+: P=0$/m, 'crash guard: of which area, made by whom';

$vm = crash('phys');
is $vm->status, 'panic', 'crash phys: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at mm\/layout\.c:\d+ .*virt_to_phys\(0xf7c\w{5}\) by crash_phys\+\S+: only lowmem, 0xc0000000\.\./m,
    'crash phys: the address, the function, and the reason';
like $vm->output, qr/\] crash_phys\+/, 'crash phys: the caller';

# A double fault, while a process runs: the directory of the report is that process's, not the double-fault task's own. It has had its
# turn when it has said something.
$vm = Attic->boot(name => 'crash-stack', timeout => 60);
$vm->expect(Attic::PROMPT) and $vm->send("run forever &\n");
$vm->expect(qr/^(?:attic> )?forever\[\d+\]: runs /m);
$vm->send("crash stack\n");
is $vm->finish, 'panic', 'crash stack: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at crash_recurse\+\S+: kernel stack overflow: task init \(pid 1\): .*guard page/m,
    'crash stack: place, kind, whose';
like $vm->output, qr/^EIP: 0060:[0-9a-f]{8} EFLAGS: .*\nEAX: [0-9a-f]{8} EBX: .*\nESI: .* EBP: f[0-9a-f]{7} ESP: f[0-9a-f]{7}$/m,
    'crash stack: registers';
my ($ebp) = $vm->output =~ /EBP: (\w{8})/;
my ($bottom) = $vm->output =~ /kernel stack 0x(\w{8})-0x\w{8}/;
cmp_ok hex($ebp // 0) - hex($bottom // 0), '<', 256, 'crash stack: the innermost frame is at the end of the stack';
stack_pointer_fits('crash stack', 4096);
my ($cr3) = $vm->output =~ /CR3: (\w{8})/;
isnt hex($cr3 // 0), symbols()->{swapper_pg_dir} - 0xC0000000, 'crash stack: CR3 is that of the interrupted task';
like $vm->output, qr/^Call trace:\n(?:.*\n)*?.*\] crash_recurse\+/m, 'crash stack: backtrace';

$vm = crash('double-free');
is $vm->status, 'panic', 'crash double-free: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at mm\/frame\/slab\.c:.* freed.*free already.*kmalloc-64/m, 'crash double-free: what, and of which cache';
like $vm->output, qr/\] crash_double_free\+/, 'crash double-free: and who';

$vm = crash('foreign-free');
is $vm->status, 'panic', 'crash foreign-free: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at mm\/frame\/slab\.c:.* freed.*not the start of an object.*kmalloc-64/m, 'crash foreign-free: what';
like $vm->output, qr/\] crash_foreign_free\+/, 'crash foreign-free: and who';

# These take a build with DEBUG=1 (debug.t); here they must do no harm, and say so.
$vm = crash('overrun', input => "crash overrun\ncrash use-after-free\naudit\npoweroff\n");
is $vm->status, 'pass', 'crash overrun, use-after-free: no harm in the default build' or diag $vm->describe;
is scalar(() = $vm->output =~ /^crash \S+: nothing noticed it.*DEBUG=1/mg), 2, 'and both say that nothing noticed';
like $vm->output, qr/all invariants hold/, 'and the audit finds nothing';

# A trap in start-up, before anybody handles it: gdb stops there, and goes on with another instruction or elsewhere. Until the kernel has
# its IDT the boot code has one line to say; from there on it is a panic like any other.
sub early {
    my ($label, $where, $change, $report) = @_;
    $vm = Attic->boot(name => 'crash-early', timeout => 60, gdb_socket => 1, stopped => 1);
    my $said = $vm->gdb(build_dir() . '/attic.debug', "hbreak *$where", 'continue', 'delete', $change, 'detach');
    is $vm->finish, 'panic', "$label: status" or diag $said, $vm->describe;
    like $vm->output, $report, "$label: what is said" or diag $said, $vm->describe;
}

my $no_paging = sprintf '0x%08x', symbols()->{'_start.next_feature'};
early('an instruction that is none, without paging', $no_paging, 'set {short} $pc = 0x0b0f',
    qr/\APANIC at $no_paging, before the kernel has an IDT: trap 06, error 0x0000\.\n\z/m);
early('an interrupt without paging', $no_paging, 'set {short} $pc = 0x50cd', qr/^PANIC at $no_paging, .*: trap 13, error 0x0282\.$/m);
early('a jump to nowhere with the identity mapping', '&boot_paging_on', 'set $eip = 0x80001000',
    qr/\APANIC at 0x80001000, .*: trap 14, error 0x0000, CR2 0x80001000: user\.\n\z/);
early('a jump to null without it', '&boot_identity_gone', 'set $eip = 0x20', qr/\APANIC at 0x00000020, .* CR2 0x00000020: null\.\n\z/);
early('a jump too high', '&boot_identity_gone', 'set $eip = 0xfffffff0', qr/^PANIC at 0xfffffff0, .* CR2 0xfffffff0: above lowmem\.$/m);
early('a write to null before there is a console', '&serial_init', 'set $eip = crash_null',
    qr/\APANIC at 0xc\w{7}, before the kernel has an IDT: trap 14, error 0x0002, CR2 0x00000000: null\.\n\z/);
early('a write to null between the tables', '&idt_init', 'set $eip = crash_null',
    qr/\APANIC at 0xc\w{7}, before the kernel has an IDT: trap 14, error 0x0002, CR2 0x00000000: null\.\n\z/);
early('a write to null before GRUB is asked', '&boot_info_init', 'set $eip = crash_null',
    qr/^PANIC at 0xc\w{7}: page fault: write to 0x00000000 in ring 0, .* \(before anybody handles it\)\nAddress 0x00000000: null; PDE 0: P=0$/m);
early('a write to null before there are frames', '&page_alloc_init', 'set $eip = crash_null',
    qr/^PANIC at crash_null\+\S+: page fault: write to .*\(before anybody handles it\)\nAddress 0x00000000: null; PDE 0: P=0\n/m);
early('a jump too high before there are handlers', '&fault_init', 'set $eip = 0xfffffff0',
    qr/^PANIC at 0xfffffff0: page fault: .*\nAddress 0xfffffff0: last page.*; PTE 1023: P=0$/m);

# A machine that ends without a word. What is said of it comes from outside: QEMU's registers, and the kernel's own map in its memory.
my $MACHINE_REGISTERS = qr/, CR0 0x8[0-9a-f]{7}, CR2 0x[0-9a-f]{8}, CR3 0x[0-9a-f]{5}000$/m;

$vm = crash('triple');
is $vm->status, 'triple-fault', 'crash triple: status' or diag $vm->describe;
my $triple = join "\n", $vm->{watch}->report;
like $triple, qr/^EIP 0xc0[0-9a-f]{6} triple_fault\+0x[0-9a-f]+$MACHINE_REGISTERS/, 'crash triple: where, and the registers';
like $triple, qr/^paging is on; EIP: lowmem; PTE \d+: P=1$/m, 'crash triple: what EIP is';
like $triple, qr/^the last page fault.* CR2: null; PDE 0: P=0$/m, 'crash triple: what CR2 is';
like $triple, qr/^the IDT is empty/m, 'crash triple: why nobody handled it';
like $vm->describe, qr/\Q$triple\E/, 'crash triple: and the report has it';

# Silence: a prompt that nobody types at is as silent as a kernel that hangs.
$vm = Attic->run(name => 'crash-silence', silence => 3);
is $vm->status, 'timeout', 'silence: status' or diag $vm->describe;
like $vm->describe, qr/silent for 3 s/, 'silence: ended by the silence limit';
like $vm->describe, qr/^EIP 0xc0[0-9a-f]{6} idle_main\+0x[0-9a-f]+$MACHINE_REGISTERS/m, 'silence: where it was' or diag $vm->describe;
like $vm->describe, qr/^the processor has halted until the next interrupt$/m, 'silence: it waits';

# What make run says of both, on standard error.
sub piped {
    my ($input, @options) = @_;
    local $ENV{INPUT} = $input;
    return qx(printf %s "\$INPUT" | timeout 200 '@{[ root_dir() ]}/scripts/qemu' @options '@{[ $vm->iso ]}' 2>&1 >/dev/null) =~ s/\r//gr;
}

my $said = piped("crash triple\n", '--timeout', 60);
like $said, qr/\Aqemu: triple fault.*\nqemu: EIP 0xc0\w+ triple_fault\+0x\w+$MACHINE_REGISTERS\n(?:qemu: .+\n){3}\z/, 'make run: a triple fault';
is $? >> 8, 4, 'make run: a triple fault: exit status';
$said = piped('', '--timeout', 6, '--keep');
like $said, qr/\Aqemu: time-out.*\nqemu: EIP 0xc0\w+ idle_main\+0x\w+$MACHINE_REGISTERS\n(?:qemu: .+\n){3}\z/, 'make run: a time-out';
is $? >> 8, 5, 'make run: a time-out: exit status';
is piped("poweroff\n", '--timeout', 60), '', 'make run: nothing about a machine that ended well';

# A processor without an APIC: the machine starts without the card that needs one, and Attic says itself what is missing.
$said = do { local $ENV{CPU} = '486'; piped('', '--timeout', 60) };
like $said, qr/\Aqemu: the processor 486 has no APIC, which the edu card needs: .*without the card\nqemu: Attic refused to run.*\n\z/,
    'CPU=486: refused by Attic, not by QEMU';

# Noise without end: the whole-run limit.
$vm = Attic->boot(name => 'crash-endless', timeout => 8);
$vm->expect(Attic::PROMPT);
until ($vm->status ne 'running') {
    $vm->send("ps\n");
    $vm->pump(0.1);
}
is $vm->status, 'timeout', 'noise without end: status' or diag $vm->describe;
like $vm->describe, qr/longer than 8 s/, 'noise without end: ended by the limit of the whole run';

# A run of self-tests that breaks in the middle.
$vm = Attic->run(name => 'crash-in-tests', input => "test list.*\ncrash panic\n");
my $problems = join '; ', @{ judge_ktap($vm->output, $vm->status)->{problems} };
like $problems, qr/ended in panic/, 'a panic after good results is a broken run' or diag $vm->describe;

$vm = Attic->run(name => 'crash-no-such-test', cmdline => 'ktest=no.such.test');
is $vm->status, 'fail', 'ktest= that matches nothing fails' or diag $vm->describe;

# A non-maskable interrupt says nothing about the instruction it meets, not even where that one may fault: gdb stops at the instruction of a
# copy from user memory, and QEMU's monitor sends one.
my $debug = build_dir() . '/debug';
$vm = Attic->boot(name => 'crash-nmi', build => $debug, stopped => 1, gdb_socket => 1, input => "run hello\n");
$said = $vm->gdb("$debug/attic.debug", 'thbreak kernel_main', 'continue',
    'python copy = gdb.execute("x/60i copy_from_user", to_string=True)',
    'python gdb.execute("hbreak *" + next(line for line in copy.splitlines() if "rep movs" in line).split()[0])',
    'continue', 'delete', 'monitor nmi', 'detach');
like $said, qr/^Breakpoint 2, .*copy_from_user/m, 'crash nmi: stopped in the copy' or diag $said;
is $vm->finish, 'panic', 'crash nmi: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at copy_from_user\+\S+: non-maskable interrupt/m, 'crash nmi: kind and place';

done_testing;

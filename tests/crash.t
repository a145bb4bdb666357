#!/usr/bin/perl
# Every way a run can end badly is reported as what it is. (What the judge makes of faked logs is in judge.t.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(judge_ktap);
use Test::More;

sub crash {
    my ($how, %o) = @_;
    return Attic->run(name => "crash-$how", timeout => 60, input => "crash $how\n", %o);
}

my $vm = crash('panic');
is $vm->status, 'panic', 'crash panic: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at \S+\.c:\d+/m, 'crash panic: file and line';
like $vm->output, qr/^CR0: [0-9a-f]{8} CR2: /m, 'crash panic: control registers';
like $vm->output, qr/^Call trace:\n(?:  \[<[0-9a-f]{8}>\] \w+\+0x[0-9a-f]+\/0x[0-9a-f]+\n){3,}/m, 'crash panic: backtrace with names';
like $vm->output, qr/\] monitor_main\+/, 'crash panic: down to the thread that did it';
unlike $vm->output =~ s/.*?^PANIC//msr, qr/^attic> /m, 'crash panic: nothing runs afterwards';

$vm = crash('assert');
is $vm->status, 'panic', 'crash assert: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at .*\n?.*assertion failed: two \+ two == 5 \(0x0*4, 0x0*5\)/m, 'crash assert: text and operands';

$vm = crash('null');
is $vm->status, 'panic', 'crash null: status' or diag $vm->describe;
like $vm->output, qr/page fault/i, 'crash null: named';
like $vm->output, qr/^EAX: [0-9a-f]{8} EBX: /m, 'crash null: registers';
like $vm->output, qr/CR2: 00000000/, 'crash null: the address';

$vm = crash('stack');
is $vm->status, 'panic', 'crash stack: status' or diag $vm->describe;
like $vm->output, qr/stack.*overflow|overflow.*stack/i, 'crash stack: named as an overflow';
like $vm->output, qr/pid \d+/, 'crash stack: and whose';

$vm = crash('double-free');
is $vm->status, 'panic', 'crash double-free: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at mm\/slab\.c:.* freed.*free already.*kmalloc-64/m, 'crash double-free: what, and of which cache';
like $vm->output, qr/\] crash_double_free\+/, 'crash double-free: and who';

$vm = crash('foreign-free');
is $vm->status, 'panic', 'crash foreign-free: status' or diag $vm->describe;
like $vm->output, qr/^PANIC at mm\/slab\.c:.* freed.*not the start of an object.*kmalloc-64/m, 'crash foreign-free: what';
like $vm->output, qr/\] crash_foreign_free\+/, 'crash foreign-free: and who';

# These take a build with DEBUG=1 (debug.t); here they must do no harm, and say so.
$vm = crash('overrun', input => "crash overrun\ncrash use-after-free\naudit\npoweroff\n");
is $vm->status, 'pass', 'crash overrun, use-after-free: no harm in the default build' or diag $vm->describe;
is scalar(() = $vm->output =~ /^crash \S+: nothing noticed it.*DEBUG=1/mg), 2, 'and both say that nothing noticed';
like $vm->output, qr/all invariants hold/, 'and the audit finds nothing';

$vm = crash('triple');
is $vm->status, 'triple-fault', 'crash triple: status' or diag $vm->describe;

# Silence: a prompt that nobody types at is as silent as a kernel that hangs.
$vm = Attic->run(name => 'crash-silence', silence => 3);
is $vm->status, 'timeout', 'silence: status' or diag $vm->describe;
like $vm->describe, qr/silent for 3 s/, 'silence: ended by the silence limit';

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

done_testing;

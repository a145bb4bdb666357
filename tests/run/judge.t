#!/usr/bin/perl
# The judge of in-kernel runs, judged: whole logs pass, and each way a run can be broken is seen.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(judge_ktap);
use File::Temp qw(tempdir);
use Test::More;

my $whole = <<'END';
Attic: some line of the boot log
KTAP version 1
1..3
ok 1 list.add
# lib/list.c:3: a note
ok 2 list.remove # SKIP no reason
pid 3 (attack): SIGSEGV
ok 3 vmalloc.lowest_fit
END

sub problems {
    my ($log, $status) = @_;
    return join '; ', @{ judge_ktap($log, $status)->{problems} };
}

is problems($whole, 'pass'), '', 'a whole run';
is problems($whole =~ s/\n/\r\n/gr, 'pass'), '', 'a whole run with carriage returns';
my $verdict = judge_ktap($whole, 'pass');
is scalar @{ $verdict->{tests} }, 3, 'all its tests are there';
is $verdict->{tests}[1]{skip}, 'no reason', 'a skipped test has its reason';
is $verdict->{tests}[2]{name}, 'vmalloc.lowest_fit', 'names are those of the kernel';

(my $one_failed = $whole) =~ s/^ok 2 .*$/# mm\/x.c:1: expected a\nnot ok 2 list.remove/m;
is problems($one_failed, 'fail'), '', 'a failed test is a result, not a broken run';
$verdict = judge_ktap($one_failed, 'fail');
ok !$verdict->{tests}[1]{ok}, 'and it is seen as failed';
is $verdict->{tests}[1]{notes}[-1], '# mm/x.c:1: expected a', 'with the note before it';

like problems($one_failed, 'pass'), qr/ended in pass, not fail/, 'a failed test and status pass';
like problems($whole, $_), qr/ended in $_, not pass/, "ended in $_" for qw(fail panic refuse triple-fault timeout error);
like problems($whole =~ s/^ok 3.*\n//mr, 'pass'), qr/3 tests planned, 2 reported/, 'a short run';
like problems($whole . "ok 4 more\n", 'pass'), qr/3 tests planned, 4 reported/, 'a long run';
like problems($whole =~ s/^1\.\.3\n//mr, 'pass'), qr/no plan/, 'no plan';
like problems($whole =~ s/^KTAP.*\n//mr, 'pass'), qr/no KTAP header/, 'no header';
like problems($whole =~ s/version 1/version 2/r, 'pass'), qr/KTAP version 2/, 'an unknown version';
like problems($whole =~ s/^ok 2/ok 3/mr, 'pass'), qr/result 3 where 2 should be/, 'a number that is missing';
like problems($whole =~ s/list\.remove/list.add/r, 'pass'), qr/list\.add is there twice/, 'a test that is there twice';
like problems($whole . $whole, 'pass'), qr/a second KTAP header; a second plan/, 'a machine that started over';
like problems("KTAP version 1\n1..0\n", 'pass'), qr/no tests/, 'no tests at all';
like problems('', 'timeout'), qr/no KTAP header/, 'silence';

# A machine that prints without an end: perl stands for QEMU.
{
    my $folder = tempdir('attic-judge-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    open my $out, '>', "$folder/qemu" or die "$folder/qemu: $!\n";
    print $out "#!/usr/bin/perl\nalarm 20; \$| = 1; while () { print qq(x\\n); select undef, undef, undef, 0.02 }\n";
    close $out;
    chmod 0755, "$folder/qemu";
    local $ENV{QEMU} = "$folder/qemu";
    my $vm = Attic->run(name => 'judge-talks', iso => 'none', timeout => 1);
    is $vm->status, 'timeout', 'a machine that does not stop talking is ended';
    is join('', $vm->{watch}->report), '', 'one that does not answer is not asked for its registers';
}

# What is said of registers where nothing is known of the kernel: before it is loaded, and of another one.
sub registers {
    my (%r) = @_;
    return [Attic::Watch->new->describe({ IP => 0x7c00, FL => 2, CR0 => 0x10, CR2 => 0, CR3 => 0, HLT => 0, IDT => 0, IDT_LIMIT => 0x3ff, %r })];
}

my $line = 'EIP 0x00007c00, CR0 0x00000010, CR2 0x00000000, CR3 0x00000000';
is_deeply registers(), [$line, 'paging is off: EIP is a physical address'], 'registers: firmware';
is_deeply registers(HLT => 1), [$line, 'paging is off: EIP is a physical address', 'the processor has halted with interrupts off, for good'],
    'registers: firmware that has stopped';
is registers(HLT => 1, FL => 0x202)->[2], 'the processor has halted until the next interrupt', 'registers: firmware that waits';
is registers(IDT_LIMIT => 0)->[2], 'the IDT is empty: no trap can be handled', 'registers: no IDT';
is join('; ', @{ registers(CR0 => 0x80000011, CR2 => 0x123) }[1, 2]),
    'paging is on; EIP: nothing is known of it; the last page fault, if there was one, was at CR2: nothing is known of it',
    'registers: a kernel of which nothing is known';

# A program that another one runs, as an emulator would.
{
    my $folder = tempdir('attic-judge-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    open my $out, '>', "$folder/script" or die "$folder/script: $!\n";
    print $out "#!/bin/sh\necho runs\nexec sleep 20\n";
    close $out;
    chmod 0755, "$folder/script";
    ok !Attic::runs_itself("$folder/script"), 'what an interpreter runs does not run by itself';
    ok !Attic::runs_itself("$folder/nothing"), 'nor what is not there';
}

done_testing;

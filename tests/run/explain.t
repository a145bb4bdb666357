#!/usr/bin/perl
# `explain` at the prompt: its lines, and what it says of entries, held against physical memory as QEMU's monitor shows it;
# what is asked wrong; and the short form on lines about faults.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(symbols);
use Test::More;

use constant C => 0xC0000000;

my $symbols = symbols();
my $vm = Attic->boot(name => 'explain', hmp => 1, timeout => 90);
defined $vm->expect(Attic::PROMPT) or die $vm->describe;

# The answer as label => its lines; those without a label belong to the one above.
sub told {
    my ($what) = @_;
    my $out = $vm->command("explain $what") // '';
    my (%line, $label);
    for (split /\n/, $out) {
        $label = $1 if /^(\S.{0,8}?) {1,}(?=\S)/ && substr($_, 0, 10) =~ /^(\S.*?) +$/;
        push @{ $line{ $label // '' } }, substr $_, 10;
    }
    is_deeply [grep { length > 100 } split /\n/, $out], [], "explain $what: 100 columns";
    return (\%line, $out);
}

# Each entry lies where the line says, and has that value.
sub entries_are_right {
    my ($what, $out, $directory) = @_;
    my @entries = $out =~ /^(PDE|PTE) (\d+) +0x(\w{8}) at 0x(\w{8}), physical 0x(\w{8}): /mg;
    my $table = $directory;
    while (my ($level, $index, $value, $virt, $phys) = splice @entries, 0, 5) {
        is hex $phys, $table + 4 * $index, "explain $what: $level $index: its place";
        is hex $virt, hex($phys) + C, "explain $what: $level $index: its address";
        is hex $value, unpack('V', $vm->physical(hex $phys, 4)), "explain $what: $level $index: its value";
        like $out, qr/^$level $index .*\n {10}P=@{[ hex($value) & 1 ]} /m, "explain $what: $level $index: P";
        $table = hex($value) & 0xFFFFF000;
    }
    return $out =~ /^PDE/m;
}

my $master = $symbols->{swapper_pg_dir} - C;

# ---- addresses of the kernel ----

my ($line, $out) = told('kernel_main');
ok entries_are_right('kernel_main', $out, $master), 'explain kernel_main: entries';
my $address = sprintf '0x%08x', $symbols->{kernel_main};
my $phys = sprintf '0x%08x', $symbols->{kernel_main} - C;
like $line->{address}[0], qr/^$address kernel_main\+0x0\/0x[0-9a-f]+$/, 'a function by its name';
like $line->{region}[0], qr/^0xc0000000\.\.0xc7fdffff lowmem: virt X -> phys X - 0xc0000000$/, 'its region';
like $line->{area}[0], qr/^0xc01\w{5}\.\.0xc01\w{5} lowmem: text$/, 'its row';
is $line->{walk}[0], "ends at physical $phys", 'where the walk ends';
my $pte = $symbols->{kernel_main} >> 12 & 1023;
is_deeply $line->{'ring 0'}, ['may read, execute', "may not write (PTE $pte: RW=0, CR0.WP=1)"], 'what ring 0 may';
is_deeply $line->{'ring 3'}, ['may not read, write, execute (PDE 768: US=0)'], 'what ring 3 may';
like $line->{"PTE $pte"}[1], qr/^P=1 present, RW=0 read-only, US=0 ring 0 only, PWT=0 write-back, PCD=0 cached$/, 'bits in words';
like $line->{"PTE $pte"}[2], qr/^A=1 accessed, D=1 dirty, PAT=0 .*, G=1 global, AVL=0 not used$/, 'the others';
like $line->{frame}[0], qr/^0x@{[ substr $phys, 2, 5 ]}000 kernel image, reserved at start-up; references: 0$/, 'its frame';
is_deeply $line->{'also at'}, ['no other address'], 'and nobody else sees it';
is_deeply $line->{device}, ["may read it at physical $phys", 'may not write it: -EACCES', 'the kernel itself may only read this memory'],
    'a device may read it only';
is_deeply [told(sprintf '%u', $symbols->{kernel_main})]->[0], $line, 'the same by a decimal number';

my ($stack) = $vm->command('vmallocinfo') =~ /^0x(\w{8})-0x\w{8} +12288 kthread_create\+/m;
($line, $out) = told("0x$stack");
entries_are_right('a kernel stack', $out, $master);
my $last = sprintf '0x%08x', hex($stack) + 0x1fff;
my $area = qr/^0x$stack\.\.$last vmalloc, kernel stack of \w+\[\d\]$/;
like $line->{area}[0], $area, 'a kernel stack, whose';
like $line->{area}[1], qr/^made by kthread_create\+0x\w+\/0x\w+$/, 'and who made it';
like $line->{'also at'}[0], qr/^0xc\w{7} lowmem$/, 'its page is in lowmem too';
is_deeply $line->{device}, ['may not have it: -EADDRNOTAVAIL', 'a vmalloc address: no frame follows from it, frames go by dma_map_sg'],
    'no device may have it';
my $guard = sprintf '0x%08x', hex($stack) + 0x2000;
($line, $out) = told($guard);
entries_are_right('a guard', $out, $master);
like $line->{below}[0], qr/^0x$stack\.\.$last vmalloc, kernel stack of \w+\[\d\]; its guard is here$/, 'its guard';
like $line->{below}[1], qr/^made by kthread_create\+/, 'and who made what it guards';
like $line->{walk}[0], qr/^stops at PTE \d+: P=0$/, 'where the walk stops';
ok !$line->{area} && !$line->{frame}, 'nobody has it, and there is no frame';

for my $hole (0, 0xffffffff, 0xffbff000, 0xffc00000, 0xf7bfffff) {
    my $what = sprintf '0x%08x', $hole;
    ($line, $out) = told($what);
    entries_are_right($what, $out, $master);
    like $line->{walk}[0], qr/^stops at P[DT]E \d+: P=0$/, "explain $what: where the walk stops";
    ok $line->{above} && $line->{below}, "explain $what: what is on both sides";
}

# ---- addresses of processes ----

($line, $out) = told('0x08048000');
is $line->{try}[0], 'explain ADDR PID; but no process has an area there', 'a user address, and no process';
$vm->send("run forever sleep & forever sleep &\n");
defined $vm->expect(qr/(?:forever\[\d+\]: runs until(?s:.*?)){2}\n/, 20) or die $vm->describe;
$vm->command('');
my ($pid, $other) = $vm->command('ps') =~ /^ *(\d+) .* forever$/mg;
($line, $out) = told('0x08048000');
is_deeply $line->{try}, ["explain 0x08048000 $pid     (forever)", "explain 0x08048000 $other     (forever)"], 'without a pid: who has it';
($line, $out) = told("0x08048123 $pid");
my ($pgd) = $out =~ /^PDE 32 .* physical 0x(\w{8}): /m;
entries_are_right('user text', $out, hex($pgd // 0) - 4 * 32);
is $line->{address}[0], "0x08048123 of forever[$pid]", 'with one';
is $line->{area}[0], '0x08048000..0x08048fff r-xp, page 0 of /forever', 'its area, and the file';
like $line->{area}[1], qr/^made by elf_load\+/, 'and who made it';
is_deeply $line->{'ring 3'}, ['may read, execute', 'may not write (PTE 72: RW=0)'], 'what ring 3 may';
like $line->{frame}[0], qr/^0x\w{8} file pages; references: @{[ 1 + @{ $line->{'also at'} } ]}$/, 'a page of a file: the file and each mapping';
is scalar(grep { $_ eq "0x08048123 of forever[$other]" } @{ $line->{'also at'} }), 1, 'the other one sees it';
is scalar(grep { /^0xc\w{4}123 lowmem$/ } @{ $line->{'also at'} }), 1, 'and the kernel';
is_deeply $line->{device}, ['may not have it: -EFAULT', 'a user address, which means another frame, or none, in each process'], 'not for a device';
($line) = told("0xbffdc000 $pid");
like $line->{above}[0], qr/^0xbffdd000\.\.0xbfffdfff rw-p \[stack\]; it may grow down to here, or keeps it free$/, 'below the stack';
like $line->{below}[0], qr/^0x0804\w{4}\.\.0x0804\w{4} rw-p/, 'and above the data';
($line) = told("0xbf900000 $pid");
like $line->{above}[0], qr/ \[stack\]; it may grow down to here/, 'far below it, as a stack grows up to its limit';
($line) = told("0xbfffe000 $pid");
like $line->{area}[0], qr/^0xbfffe000\.\.0xbfffefff r-xp \[vdso\], page 0$/, 'the vDSO';
($line, $out) = told("kernel_main $pid");
is $line->{walk}[0], "ends at physical $phys", 'the kernel is there in each process';
is_deeply $line->{'also at'}, ['no other address'], 'which is one address and not two';
unlike $out, qr/ at 0x@{[ sprintf '%08x', $symbols->{swapper_pg_dir} + 4 * 768 ]}/, 'by an entry of its own directory';

$vm->send('run ' . 'forever sleep & ' x 8 . "\n");
defined $vm->expect(qr/(?:forever\[\d+\]: runs until(?s:.*?)){8}\n/, 20) or die $vm->describe;
$vm->command('');
($line) = told("0x08048123 $pid"); # text and data of ten programs, in one page of the file, and lowmem
is scalar @{ $line->{'also at'} }, 17, 'of many addresses the first 16';
is $line->{'also at'}[16], 'and 4 more', 'and how many others';

# ---- asked wrong: one line ----

my %wrong = (
    'explain'                => qr/^usage: explain ADDR \[PID\]$/,
    'explain 1 2 3'          => qr/^usage: explain ADDR \[PID\]$/,
    'explain zork'           => qr/^explain: zork is neither an address of 32 bits .* nor a function of the kernel$/,
    'explain c0100000'       => qr/^explain: c0100000 is neither .*0x/,
    'explain 0x100000000'    => qr/is neither an address of 32 bits/,
    'explain -1'             => qr/is neither an address/,
    'explain 0x'             => qr/is neither an address/,
    'explain 0 x'            => qr/^usage: explain ADDR \[PID\]; "ps" lists the processes$/,
    'explain 0 4000000'      => qr/^explain: no task has the pid 4000000; "ps" lists them$/,
    'explain 0 1'            => qr/^explain: init\[1\] has no address space of its own$/,
);
for my $command (sort keys %wrong) {
    my $said = $vm->command($command);
    like $said, $wrong{$command}, "$command: says what is right";
    is $said =~ tr/\n//, 1, "$command: in one line";
}
like $vm->command('help explain'), qr/^explain ADDR \[PID\]: /, 'help explain';

# ---- lines about faults ----

my $eip = qr/at eip 0x0804\w{4}:/;
my $text = sprintf '%u', $symbols->{kernel_main};
like $vm->command("run attack write $text"), qr/^attack\[\d+\]: SIGSEGV: write to $address $eip the address belongs to the kernel \(lowmem, text; PDE 768: US=0\)$/m,
    'a process that writes to the kernel';
like $vm->command('run attack read 0'), qr/^attack\[\d+\]: SIGSEGV: read from 0x00000000 $eip nothing is mapped there \(null, below 0x08048000\.\.0x08048fff r-xp; PDE 0: P=0\)$/m,
    'to null';
like $vm->command('run attack write 134512640'), qr/^attack\[\d+\]: SIGSEGV: write to 0x08048000 $eip the page is read-only \(user, 0x08048000\.\.0x08048fff r-xp; PTE 72: RW=0\)$/m,
    'to its own text';
like $vm->command('run attack read ' . hex $guard), qr/^attack\[\d+\]: .* belongs to the kernel \(vmalloc, guard of 0x$stack\.\.$last by kthread_create\+\S+; PTE \d+: P=0\)$/m,
    'to a guard';
like $vm->command('run attack read ' . hex $stack), qr/^attack\[\d+\]: .* belongs to the kernel \(vmalloc, 0x$stack\.\.$last by kthread_create\+\S+; PDE 991: US=0\)$/m,
    'to a kernel stack';
my @null = $vm->command('run signal_test') =~ /write to 0x00005000 $eip nothing is mapped there (.*)/g;
is scalar(grep { /^\(null, below 0x08048000\.\..*; PDE 0: P=0\)$/ } @null), 4, 'when the signal is blocked, ignored, or caught and blocked'
    or diag "@null";
like $vm->command('audit'), qr/hold/, 'and nothing has changed';

done_testing;

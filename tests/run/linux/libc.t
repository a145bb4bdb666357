#!/usr/bin/perl
# Programs of ordinary C libraries: user/linux/*.c, built statically with glibc and with musl, print the same in Attic as on
# Linux, byte for byte, and end with the same status. In Attic they are started at the monitor's prompt, without a shell.
#
# musl is fetched when it is not there (`make musl`); glibc comes with the cross compiler.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir can_be_had fetched make_initramfs root_dir);
use Linux qw(programs_on_linux);
use Test::More;

my @NAMES = map { m{([^/]+)\.c$} } sort glob "'@{[ root_dir() ]}/user/linux/'*.c";
cmp_ok scalar @NAMES, '>', 5, 'there are programs';

sub try_libc {
    my ($libc) = @_;
    my %mine = map { ("${libc}_$_" => build_dir() . "/user/$libc/$_") } @NAMES;
    my %runs = map { $_ => [$mine{$_}] } keys %mine;
    $runs{"${libc}_hello_arguments"} = [$mine{"${libc}_hello"}, qw(one two three)];
    my ($linux, $why) = programs_on_linux("libc-$libc", %runs);
    can_be_had('Linux', $linux, $why) or return;
    my ($initramfs) = make_initramfs(name => "libc-$libc", programs => \%mine);
    my $vm = Attic->boot(name => "libc-$libc", initramfs => $initramfs, silence => 40);
    ok defined $vm->expect(Attic::PROMPT), "$libc: boots" or diag $vm->describe;
    for my $run (sort keys %runs) {
        my (undef, @arguments) = @{ $runs{$run} };
        compare($vm, $run, $linux->{$run}, join ' ', $run =~ s/_arguments$//r, @arguments);
    }
    like $vm->command('audit') // '', qr/hold/, "$libc: every invariant holds" or diag $vm->describe;
    $vm->send("poweroff\n");
    is $vm->finish, 'pass', "$libc: power off" or diag $vm->describe;
}

# The monitor says how a program ended after what the program printed.
sub compare {
    my ($vm, $run, $linux, $line) = @_;
    is $linux->{status}, 0, "$run: passes on Linux" or diag $linux->{output} // 'Linux did not end it';
    my $said = $vm->command("run $line") // $vm->describe;
    my ($status) = $said =~ /^\w+\[\d+\]: exit status (\d+).*\n\z/m;
    (my $printed = $said) =~ s/^\w+\[\d+\]: .*\n\z//m;
    is $status, 0, "$run: passes in Attic" or diag $said;
    is $printed, $linux->{output}, "$run: prints the same";
}

ok -x build_dir() . '/user/glibc/hello', 'the cross compiler has a static glibc' or done_testing, exit;
try_libc('glibc');
my ($musl, $why) = fetched('musl', 'musl/lib/libc.a');
if (can_be_had('musl', $musl, $why)) {
    my $said = Attic::make('libc'); # musl may not have been there when `make test` built them
    is $?, 0, 'make libc' or diag $said;
    try_libc('musl');
}
done_testing;

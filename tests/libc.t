#!/usr/bin/perl
# Programs of ordinary C libraries: user/linux/*.c, built statically with glibc and with musl, print the same in Attic as on
# this machine's Linux, byte for byte, and end with the same status. They are started at the monitor's prompt, without a shell.
#
# musl is fetched when it is not there (`make musl`); glibc comes with the cross compiler.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir fetched make_initramfs must_fetch root_dir);
use Test::More;

my @NAMES = map { m{([^/]+)\.c$} } sort glob root_dir() . '/user/linux/*.c';

sub try_libc {
    my ($libc) = @_;
    my %mine = map { ("${libc}_$_" => build_dir() . "/user/$libc/$_") } @NAMES;
    my ($initramfs) = make_initramfs(name => "libc-$libc", programs => \%mine);
    my $vm = Attic->boot(name => "libc-$libc", initramfs => $initramfs, silence => 40);
    ok defined $vm->expect(Attic::PROMPT), "$libc: boots" or diag $vm->describe;
    for my $name (@NAMES) {
        for my $arguments ($name eq 'hello' ? ('', 'one two three') : '') {
            compare($vm, $libc, $name, $mine{"${libc}_$name"}, $arguments);
        }
    }
    like $vm->command('audit') // '', qr/hold/, "$libc: every invariant holds" or diag $vm->describe;
    $vm->send("poweroff\n");
    is $vm->finish, 'pass', "$libc: power off" or diag $vm->describe;
}

# The monitor says how a program ended after what the program printed.
sub compare {
    my ($vm, $libc, $name, $path, $arguments) = @_;
    my $label = join ' ', $libc, $name, length $arguments ? $arguments : ();
    my $wanted = do {
        delete local @ENV{grep { !/^(?:HOME|PATH|TERM)$/ } keys %ENV};
        local $ENV{HOME} = '/';
        qx(exec '$path' $arguments < /dev/null);
    };
    is $?, 0, "$label: passes on Linux" or diag $wanted;
    my $said = $vm->command(join ' ', 'run', "${libc}_$name", length $arguments ? $arguments : ()) // $vm->describe;
    my ($status) = $said =~ /^\w+\[\d+\]: exit status (\d+).*\n\z/m;
    (my $printed = $said) =~ s/^\w+\[\d+\]: .*\n\z//m;
    is $status, 0, "$label: passes in Attic" or diag $said;
    is $printed, $wanted, "$label: prints the same";
}

ok -x build_dir() . '/user/glibc/hello', 'the cross compiler has a static glibc' or done_testing, exit;
try_libc('glibc');
SKIP: {
    my ($musl, $why) = fetched('musl', 'musl/lib/libc.a');
    skip $why, 1 if !$musl && !must_fetch();
    ok $musl, 'musl can be had' or diag($why), last;
    my $said = Attic::make('libc'); # musl may not have been there when `make test` built them
    is $?, 0, 'make libc' or diag $said;
    try_libc('musl');
}
done_testing;

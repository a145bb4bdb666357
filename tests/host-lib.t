#!/usr/bin/perl
# lib/ as a host program under the address and undefined-behaviour sanitizers: builds tests/host/lib_test.c with the kernel's own
# lib/*.c and passes its TAP on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir);
use File::Path qw(make_path);

my $compiler = $ENV{HOSTCC} || 'cc';
my $program = build_dir() . '/host/lib_test';
make_path(build_dir() . '/host');
chdir root_dir() or die "$!\n";
my @command = ($compiler, split(' ', '-std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-builtin -Wall -Wextra -Werror'
        . ' -fsanitize=address,undefined -fno-sanitize-recover=all -Iinclude'),
    '-o', $program, 'tests/host/lib_test.c', glob 'lib/*.c');
system(@command) == 0 or die "@command: failed\n";
exec $program or die "$program: $!\n";

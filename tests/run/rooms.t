#!/usr/bin/perl
# The rooms of docs/rooms.md: no include and no symbol goes where the table does not lead, the picture there and docs/files.md are those of
# today; and that scripts/rooms would notice, on a small house of its own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

my ($root, $build) = (root_dir(), build_dir());

my ($said, $status) = rooms($root, 'check', $build);
is $status, 0, 'every arrow is in the table' or diag $said;
is $said, '', 'and nothing is said';
same('docs/rooms.md', rooms($root, 'draw', $build)) if $status == 0;
same('docs/files.md', rooms($root, 'files'));

# ---- a house with two rooms ----

my $house = tempdir('attic-rooms-XXXXXX', TMPDIR => 1, CLEANUP => 1);
put('scripts/rooms', slurp("$root/scripts/rooms"));
put('docs/rooms.md', table('`lib/`', 'nothing'));
put('kernel/top.c', "/* Looks down. */\n#include <lib/low.h>\nint top(void)\n{\n    return low();\n}\n");
put('lib/low.c', "/* Stays below. */\nint low(void)\n{\n    return 0;\n}\n");
put('include/lib/low.h', "/* Stays below. */\nint low(void);\n");
put('include/kernel/top.h', "/* Looks down. */\nint top(void);\n");

($said, $status) = check();
is "$status $said", '0 ', 'calls that go down';
put('docs/rooms.md', table('nothing', 'nothing'));
($said, $status) = check();
is $status, 1, 'a row that allows nothing';
is $said, "kernel may not use lib:\n    kernel/top.c uses lib/low.h\n    kernel/top.c uses low of lib/low.c\n", 'names includes and symbols';

put('docs/rooms.md', table('`lib/`', 'nothing'));
put('lib/low.c', "/* Climbs. */\nint top(void);\nint low(void)\n{\n    return top();\n}\n");
($said, $status) = check();
is "$status $said", "1 lib may not use kernel:\n    lib/low.c uses top of kernel/top.c\n", 'a symbol that goes up without an include';
put('lib/low.c', "/* Climbs. */\n#include <kernel/top.h>\nint low(void)\n{\n    return 0;\n}\n");
($said, $status) = check();
is "$status $said", "1 lib may not use kernel:\n    lib/low.c uses kernel/top.h\n", 'an include that goes up';
put('lib/low.c', "/* Climbs. */\n#if 1\n#  include <kernel/top.h>\n#endif\nint low(void)\n{\n    return 0;\n}\n");
($said, $status) = check();
is "$status $said", "1 lib may not use kernel:\n    lib/low.c uses kernel/top.h\n", 'however it is set';
is((rooms($house, 'draw', "$house/build"))[0], $said, 'and there is no picture, but the same words');
is((rooms($house, 'check', "$house/none"))[0], "rooms: there is no $house/none/kernel/top.c.o: `make` first, or name the folder of the build\n",
    'a house that is not built');
put('docs/rooms.md', table('`lib/`', '`kernel/`'));
($said, $status) = check();
is $status, 1, 'a table that goes round in a circle';
like $said, qr/^kernel uses lib, and lib uses kernel: no order of floors holds both$/m, 'is named' or diag $said;
put('docs/rooms.md', table('`lib/`', 'nothing') . "| `mm/` | memory | nothing |\n");
put('lib/low.c', "/* Stays below. */\nint low(void)\n{\n    return 0;\n}\n");
put('mm/one.c', "/* Uses two. */\nint two(void);\nint one(void)\n{\n    return two();\n}\n");
put('mm/two.c', "/* Uses one. */\nint one(void);\nint two(void)\n{\n    return one();\n}\n");
($said, $status) = check();
is "$status $said", "1 files that use each other: mm/one.c, mm/two.c\n", 'files of mm/ that use each other';
unlink "$house/mm/one.c", "$house/mm/two.c";
put('docs/rooms.md', table('`lib/`', '`attic/`'));
($said, $status) = check();
like $said, qr/lets `lib` use `attic`, which has no row$/m, 'a room that there is not' or diag $said;
put('fs/stray.c', "/* Is nowhere. */\n");
put('docs/rooms.md', table('`lib/`', 'nothing'));
($said, $status) = check();
like $said, qr{fs/stray\.c is in no room}, 'a file in no room' or diag $said;
unlink "$house/fs/stray.c";
put('lib/mute.c', "int mute;\n");
like((rooms($house, 'files'))[0], qr{lib/mute\.c does not begin with a comment}, 'a file that does not say what it is for');

done_testing;

# A document is what it should be, or the lines in which it is not.
sub same {
    my ($document, $wanted) = @_;
    my @is = split /\n/, slurp("$root/$document");
    my @should = split /\n/, $wanted;
    my %is = map { $_ => 1 } @is;
    my %should = map { $_ => 1 } @should;
    ok "@is" eq "@should", "$document is that of today"
        or diag 'scripts/rooms update, or make docs, writes it down:', map { "\n$_" } (map { "- $_" } grep { !$should{$_} } @is),
            (map { "+ $_" } grep { !$is{$_} } @should);
}

sub table {
    my ($top, $low) = @_;
    return "| `kernel/` | the top | $top |\n| `lib/` | the bottom | $low |\n";
}

sub put {
    my ($path, $text) = @_;
    make_path(dirname("$house/$path"));
    open my $out, '>', "$house/$path" or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
    chmod 0755, "$house/$path";
}

# Compile the house and ask.
sub check {
    for my $file (glob "$house/{kernel,lib,fs,mm}/*.c") {
        my $object = $file =~ s{^\Q$house\E/}{$house/build/}r . '.o';
        make_path(dirname($object));
        system('gcc', '-w', '-I', "$house/include", '-c', $file, '-o', $object) == 0 or die "$file: not compiled\n";
    }
    return rooms($house, 'check', "$house/build");
}

sub rooms {
    my ($folder, @arguments) = @_;
    my $said = qx('$folder/scripts/rooms' @{[ map { "'$_'" } @arguments ]} 2>&1);
    return ($said, $? >> 8);
}

#!/usr/bin/perl
# Rules that can be read off the sources. An object that others find through some place is taken out of that place before it is given
# back, because its end may yield (include/lib/detach.h): so no reference is given back through a pointer to its holder but by detach()
# or exchange(), and the fields by which a task is asked for what it has are emptied in no other way. And all texts do without some words for
# which there are plainer ones.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(slurp source_files);
use Test::More;

my $GIVES_BACK = qr/\b(?:\w+_(?:put|close|end_program)|files_free|signals_free)/;
my $FIELD      = qr{\w+(?:->|\.)[^(),;]*};
my $OF_TASKS   = qr/->(?:mm|files|signals|cwd|exe)/;

# The places in a text that break the rule.
sub broken {
    my ($text) = @_;
    $text =~ s{/\*.*?\*/}{}gs;
    return ($text =~ /($GIVES_BACK\($FIELD\))/g, $text =~ /(\w+$OF_TASKS = NULL)/g);
}

is join(', ', broken($_->[0])), $_->[1], "told apart: $_->[0]"
    for ['inode_put(task->cwd);', 'inode_put(task->cwd)'], ['inode_end_program(task->exe);', 'inode_end_program(task->exe)'],
    ['file_close(files->file[fd]);', 'file_close(files->file[fd])'], ['old = task->mm; task->mm = NULL; mm_put(old);', 'task->mm = NULL'],
    ['inode_put(detach(&task->cwd));', ''], ['inode_put(exchange(&walk->dir, dir));', ''], ['user_name_put(&names->old);', ''],
    ['/* inode_put(task->cwd) */ inode_put(inode);', ''], ['files_free(current->files);', 'files_free(current->files)'];

my @sources = grep { m{^(?:arch|drivers|fs|kernel|lib|mm|include)/.*\.[ch]$} } source_files();
cmp_ok scalar @sources, '>', 100, 'the sources are there';
my @broken = map { my $file = $_; map { "$file: $_" } broken(slurp($file)) } @sources;
is "@broken", '', 'no object is given back while others find it' or diag join "\n", @broken;

my $RARE = qr/\b(?:shall|whoever|anew|mend(?:s|ed)?|takes along|told wrong|goes on drawing|dies of it|in plain letters|gives? turns|given turns|(?:and|or) (?:its|their) like)\b/i;
my @rare = map { my $file = $_; map { "$file: $_" } slurp($file) =~ /($RARE)/g } grep { !m{^(?:LICENSE|tests/run/rules\.t)\z} } source_files();
is "@rare", '', 'plain words' or diag join "\n", @rare;

done_testing;

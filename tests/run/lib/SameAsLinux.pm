# Run the same shell scripts in Attic and on Linux, by the same busybox, and compare what they print.
#
#   my @cases = ({ name => 'echo_1', script => "echo 1\n" }, ...);
#   same_as_linux(busybox => $path, cases => \@cases, data => {words => $text});
#
# One folder with busybox, the scripts and their data is packed into the initramfs of one boot, and is the root of a process tree
# on Linux, see tests/run/lib/Linux.pm. Each script is one test, whose output and exit status must be the same. One that stops the
# machine, or hangs, is not the end of the others: they go on in a further boot.
package SameAsLinux;
use strict;
use warnings;
use Attic qw(can_be_had slurp);
use Exporter qw(import);
use Linux qw(results script_tree scripts_on_linux);
use Test::More;

our @EXPORT_OK = qw(read_cases same_as_linux);

use constant {
    BOOTS   => 6,     # of the scripts that are left after one has failed to end
    SECONDS => 600,   # a whole run
    SILENCE => 40,    # a script
};

# The scripts of a file, as its head says.
sub read_cases {
    my ($file) = @_;
    my @cases;
    for (split /^/, slurp($file)) {
        if (/^== (\w+)$/) {
            push @cases, { name => $1, script => '' };
        } elsif (@cases) {
            $cases[-1]{script} .= $_;
        }
    }
    return @cases;
}

sub same_as_linux {
    my (%o) = @_;
    my @cases = @{ $o{cases} } or return fail("$o{name}: there is something to compare");
    my ($linux, $why) = scripts_on_linux($o{name}, script_tree(%o));
    can_be_had('Linux', $linux, $why) or return;
    my $attic = run_on_attic(%o);
    for my $case (@cases) {
        compare($case, $linux->{ $case->{name} }, $attic->{ $case->{name} });
    }
}

sub compare {
    my ($case, $linux, $attic) = @_;
    my $name = $case->{name};
    return fail("$name: Linux did not end it") unless $linux;
    return fail("$name: ends") || diag("$attic->{why}\nthe script:\n$case->{script}") unless defined $attic->{output};
    # What a dead process leaves behind on Linux depends on how that machine is set up.
    (my $wanted = $linux->{output}) =~ s/ \(core dumped\)$//mg;
    my $same = $attic->{output} eq $wanted && $attic->{status} == $linux->{status};
    ok $same, $name or diag difference($case, $wanted, $linux->{status}, $attic);
}

# The first line that differs, and around it.
sub difference {
    my ($case, $wanted, $status, $attic) = @_;
    my @wanted = split /\n/, $wanted, -1;
    my @got = split /\n/, $attic->{output}, -1;
    my $i = 0;
    $i++ while $i < @wanted && $i < @got && $wanted[$i] eq $got[$i];
    my $from = $i > 2 ? $i - 2 : 0;
    my $part = sub { map { "  $_[0] | $_\n" } map { length > 200 ? substr($_, 0, 200) . '...' : $_ } grep { defined } @_[1 .. 5] };
    return join '', "from line @{[ $from + 1 ]} of the output; exit status: Linux $status, Attic $attic->{status}\n",
        $part->('Linux', @wanted[$from .. $from + 4]), $part->('Attic', @got[$from .. $from + 4]), "the script:\n$case->{script}";
}

# ---- Attic ----

# Boot, and again with what is left when something stopped the machine. Results by script; one without output has the reason.
sub run_on_attic {
    my (%o) = @_;
    my @left = @{ $o{cases} };
    my (%result, $archive);
    for my $boot (1 .. BOOTS) {
        ($archive) = script_tree(%o, cases => \@left);
        my $vm = Attic->boot(name => "$o{name}-$boot", initramfs => $archive, cmdline => 'init=/init.test', mem => $o{mem},
            timeout => SECONDS, silence => SILENCE);
        my $done = defined $vm->expect(qr/^\@done$/m);
        %result = (%result, %{ results($vm->output) });
        my @now_left = grep { !$result{ $_->{name} } } @left;
        return \%result if $done && !@now_left;
        my $why = $vm->describe;
        $vm->kill_now;
        my $stopped = shift @now_left;
        $result{ $stopped->{name} } = { why => $why } if $stopped;
        @left = @now_left or last;
        last if @left == @{ $o{cases} } - 1; # not even the first: no shell
    }
    $result{ $_->{name} } //= { why => 'not run: too many machines have stopped before' } for @left;
    return \%result;
}

1;

#!/usr/bin/perl
# The in-kernel tests on the machine that `make run` gives.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-128M', label => '128M', mem => '128M');
done_testing;

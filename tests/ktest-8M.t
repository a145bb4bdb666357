#!/usr/bin/perl
# The in-kernel tests on the smallest machine that Attic runs on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-8M', label => '8M', mem => '8M');
done_testing;

#!/usr/bin/perl
# The in-kernel tests with 2G of RAM.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-2G', label => '2G', mem => '2G');
done_testing;

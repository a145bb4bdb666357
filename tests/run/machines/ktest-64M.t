#!/usr/bin/perl
# The in-kernel tests with 64M of RAM.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-64M', label => '64M', mem => '64M');
done_testing;

#!/usr/bin/perl
# The in-kernel tests with 3.5G of RAM.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-3.5G', label => '3.5G', mem => '3584M');
done_testing;

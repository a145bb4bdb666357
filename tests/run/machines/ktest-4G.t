#!/usr/bin/perl
# The in-kernel tests with 4G of RAM.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-4G', label => '4G', mem => '4G');
done_testing;

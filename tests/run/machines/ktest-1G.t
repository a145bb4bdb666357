#!/usr/bin/perl
# The in-kernel tests where there is more RAM than lowmem can map.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-1G', label => '1G', mem => '1G');
done_testing;

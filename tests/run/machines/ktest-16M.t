#!/usr/bin/perl
# The in-kernel tests where all RAM is in zone DMA and little is free.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-16M', label => '16M', mem => '16M');
done_testing;

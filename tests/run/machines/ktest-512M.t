#!/usr/bin/perl
# The in-kernel tests with 512M of RAM.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-512M', label => '512M', mem => '512M');
done_testing;

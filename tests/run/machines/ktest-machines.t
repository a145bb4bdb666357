#!/usr/bin/perl
# The in-kernel tests on other machines than QEMU's PC with a BIOS: with UEFI of 32 and 64 bits, with another chipset, without PCI, and
# with processors that lack something: floating point, and an APIC, without which there is no edu card.
# Under UEFI there is no text screen, and what GRUB left on the frame buffer says where the console is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir can_be_had ktap_ok slurp);
use Test::More;

use constant SCREEN_LINE => q(Attic's console is on the first serial port: UEFI has no text screen.);
use constant { GLYPH_WIDTH => 8, GLYPH_HEIGHT => 19 }; # of EDK II's console

ktap_ok(name => 'ktest-q35', label => 'q35', mem => '128M', machine => 'q35');
ktap_ok(name => 'ktest-isapc', label => 'isapc', mem => '128M', machine => 'isapc');
ktap_ok(name => 'ktest-no-fpu', label => 'no FPU', mem => '128M', cpu => 'max,-fpu,-sse,-fxsr,-mmx');
ktap_ok(name => 'ktest-no-apic', label => 'no APIC', mem => '128M', cpu => 'max,-apic') if !defined $ENV{KTEST};

for my $firmware (qw(uefi32 uefi64)) {
    my $missing = Attic::QEMU::missing_firmware($firmware);
    can_be_had($firmware, !$missing, "$firmware: no " . ($missing // '')) or next;
    ktap_ok(name => "ktest-$firmware", label => $firmware, mem => '128M', firmware => $firmware, silence => 60);
    next if defined $ENV{KTEST};
    screen_says($firmware);
    stick($firmware);
}
stick('bios') if !defined $ENV{KTEST};
done_testing;

sub screen_says {
    my ($firmware) = @_;
    my $vm = Attic->boot(name => "screen-$firmware", mem => '128M', firmware => $firmware, silence => 60, hmp => 1);
    ok defined $vm->expect(Attic::PROMPT), "$firmware: the prompt" or diag $vm->describe;
    my $file = build_dir() . "/test-logs/screen-$firmware.ppm";
    $vm->hmp("screendump \"$file\"");
    ok shows(SCREEN_LINE, $file), "$firmware: the screen says where the console is" or diag "$file does not";
    $vm->send("poweroff\n");
    is $vm->finish, 'pass', "$firmware: powers off" or diag $vm->describe;
}

# The same image on a disk instead of a CD.
sub stick {
    my ($firmware) = @_;
    my $vm = Attic->boot(name => "stick-$firmware", mem => '128M', firmware => $firmware, silence => 60, as_disk => 1);
    ok defined $vm->expect(Attic::PROMPT), "$firmware: from a disk" or diag $vm->describe;
    $vm->kill_now;
}

# Whether the line stands somewhere in a picture of text. Which letters the font has need not be known: cells look the same where the
# line has the same letter, and only there.
sub shows {
    my ($line, $file) = @_;
    my ($width, $height, @rows) = read_picture($file);
    for my $y (0 .. $height - GLYPH_HEIGHT) {
        next if index($rows[$y + GLYPH_HEIGHT / 2], '1') < 0;
        for my $x (0 .. $width - GLYPH_WIDTH * length $line) {
            return 1 if $x % GLYPH_WIDTH == 0 && looks_like($line, \@rows, $x, $y);
        }
    }
    return 0;
}

sub looks_like {
    my ($line, $rows, $x, $y) = @_;
    my (%glyph_of, %letter_of);
    for my $letter (split //, $line) {
        my $glyph = join '', map { substr $rows->[$_], $x, GLYPH_WIDTH } $y .. $y + GLYPH_HEIGHT - 1;
        return 0 if ($glyph_of{$letter} //= $glyph) ne $glyph || ($letter_of{$glyph} //= $letter) ne $letter;
        $x += GLYPH_WIDTH;
    }
    return 1;
}

# Width, height, and for each row a string of 1 where a pixel is bright, of a PPM file.
sub read_picture {
    my ($file) = @_;
    my $bytes = slurp($file);
    $bytes =~ s/\AP6\s+(\d+)\s+(\d+)\s+255\s// or die "$file: not a picture\n";
    my ($width, $height) = ($1, $2);
    return ($width, $height, map { join '', map { ord > 0x60 ? 1 : 0 } unpack '(ax2)*', $_ } unpack "(a@{[3 * $width]})*", $bytes);
}

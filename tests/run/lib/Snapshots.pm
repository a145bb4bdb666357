# Snapshots in tests: the documents of a file, and whether they fit the schema.
#
# The judge of the schema is Python's jsonschema, which is kept up by others: `make setup` installs it, and `make test` names it when it
# is missing. Documents become Perl's structures by JSON::PP, which comes with Perl.
#
# Neighbours: tests/run/snapshot.t holds documents against the machine, tests/run/memdiff.t compares them.
package Snapshots;
use strict;
use warnings;
use Attic qw(root_dir slurp);
use Exporter qw(import);
use JSON::PP;

our @EXPORT_OK = qw(documents invalid);

# Each line of the file as a document, by name; the last of a name counts.
sub documents {
    my ($file) = @_;
    return { map { my $document = decode_json($_); $document->{name} => $document } split /\n/, slurp($file) };
}

# What a validator of JSON Schema has against the documents of these files, or against the schema itself.
sub invalid {
    my $program = <<'END';
import json, sys
from jsonschema import Draft7Validator
schema = json.load(open(sys.argv[1]))
Draft7Validator.check_schema(schema)
for path in sys.argv[2:]:
    for line in open(path):
        for error in Draft7Validator(schema).iter_errors(json.loads(line)):
            print(path, '/'.join(map(str, error.absolute_path)), error.message)
END
    open my $from, '-|', 'python3', '-c', $program, "@{[ root_dir() ]}/docs/snapshot.schema.json", @_ or die "python3: $!\n";
    my $said = do { local $/; <$from> };
    return $said . (close($from) ? '' : "python3 has failed\n");
}

1;

"""The example blocks of a Markdown document, as text: they are found, refused when they are not in the form that can be run, and written
back with new outputs. See docs/examples.md for the form; examples.py runs the blocks.

    document = Document('README.md', text)
    document.errors        # (line, text): blocks that are not in the form that can be run
    document.idle_marks    # the same for marks that match nothing, as before the first output is there
    document.blocks        # console blocks, the runnable and the others
    document.text({...})   # the document with other outputs

A document is left out if its first line is `<!-- generated: compared by tests/test_NAME.py -->`. Then that test must exist and name the
document, and the document is not checked here.
"""
import re
import shlex
from dataclasses import dataclass, field

from attic.terminal import unfolded

PROMPTS = ('$ ', 'attic> ', '(gdb) ')
PROMPT = '|'.join(map(re.escape, PROMPTS))

# What `with:` may set, for each prompt. The shell's machines are set up by the command itself.
MAY_SET = {'$ ': (), 'attic> ': ('MEM', 'CPU', 'CMDLINE'), '(gdb) ': ('MEM', 'CPU', 'CMDLINE')}

# No mark may match all of one of these: it would hide any change of an output.
ANYTHING = ('some unrelated words', 'some', '@#~!')


@dataclass
class Command:
    line: int  # of the document, from 1
    text: str
    output: list[str] = field(default_factory=list)  # the lines that follow


@dataclass
class Block:
    line: int     # of its fence
    prompt: str = ''
    commands: list[Command] = field(default_factory=list)
    varies: list[str] = field(default_factory=list)    # the marks: regular expressions
    settings: dict[str, str] = field(default_factory=dict)  # of `with:`: the machine
    not_run: str | None = None  # the reason


class Document:
    def __init__(self, file: str, text: str):
        self.file, self.lines = file, text.split('\n')
        self.blocks, self.errors, self.idle_marks = [], [], []
        self._labels, self._used_labels = {}, set()
        for number, line in enumerate(self.lines, 1):
            if found := re.fullmatch(r'<!-- \[([a-z][\w-]*)\] (.*?) -->', line):
                self._labels.setdefault(found[1], []).append((number, found[2]))
        generated = re.match(r'<!-- generated: compared by (\S+) -->\n', text)
        self.compared_by = generated and generated[1]  # the test that compares a generated document
        if not generated:
            self._find_blocks()
        for label in sorted(set(self._labels) - self._used_labels):
            self._wrong(self._labels[label][0][0], f'[{label}]: no block says `varies: [{label}]`')

    def _wrong(self, line, text):
        self.errors.append((line, text))

    # ---- finding ----

    def _find_blocks(self):
        lines, marks, i = self.lines, [], 0
        while i < len(lines):
            fence = re.match(r'(`{3,}|~{3,})\s*(\S*)', lines[i])
            first = i
            if lines[i].startswith('<!--'):
                while i < len(lines) - 1 and '-->' not in lines[i]:
                    i += 1
                marks.append((first + 1, ' '.join(lines[first:i + 1])))
            elif fence:
                i += 1
                while i < len(lines) and not lines[i].startswith(fence[1]):
                    i += 1
                if i == len(lines):
                    self._wrong(first + 1, 'a fence that nothing closes')
                self._take_block(fence[2], first, i, marks)
                marks = []
            else:
                self._refuse_line(i, marks)
                marks = []
            i += 1

    def _refuse_line(self, i, marks):
        """Outside of blocks: marks that belong to no block, and blocks in the other forms of Markdown."""
        line, before = self.lines[i], self.lines[i - 1] if i else ''
        for number, text in marks:
            if re.match(r'<!--\s*(?:varies|with|not run):', text):
                self._wrong(number, 'a mark stands right before its console block, with nothing between')
        if re.match(r'\s+(?:```|~~~)', line):
            self._wrong(i + 1, 'a fence begins in the first column')
        if re.match(r'(?: {4}|\t)\s*\S', line) and not before.strip():
            self._wrong(i + 1, 'an indented block: use a fence and name its language (```console for commands, ```text, ```c)')

    def _take_block(self, language, first, last, marks):
        inside = range(first + 1, min(last, len(self.lines)))
        if not language:
            self._wrong(first + 1, 'a fence without a language: ```console for commands, ```text, ```c')
        elif language in ('sh', 'bash', 'shell', 'zsh', 'gdb'):
            self._wrong(first + 1, f'```{language}: commands go into ```console')
        elif language == 'console':
            block = Block(first + 1)
            if self._take_commands(block, inside):
                for mark in marks:
                    self._take_mark(block, *mark)
                self.blocks.append(block)
        else:
            self._refuse_commands(language, inside, marks)

    def _refuse_commands(self, language, inside, marks):
        command = re.compile(rf'\s*(?:{PROMPT}{"|make " if language == "text" else ""})')
        line = next((i + 1 for i in inside if command.match(self.lines[i])), None)
        if line:
            self._wrong(line, f'a command in a block of ```{language}: such blocks are ```console')
        for number, text in marks:
            if re.match(r'<!--\s*(?:varies|with):', text):
                self._wrong(number, 'a mark before a block that is not ```console')

    def _take_commands(self, block, inside):
        """The prompt of the first line is that of the block; lines that begin with another prompt are output."""
        prompt = re.match(PROMPT, self.lines[inside[0]]) if inside else None
        if not prompt:
            self._wrong(block.line + 1, 'a console block begins with `$ `, `attic> ` or `(gdb) `')
            return False
        block.prompt = prompt[0]
        for i in inside:
            if self.lines[i].startswith(block.prompt):
                block.commands.append(Command(i + 1, self.lines[i].removeprefix(block.prompt)))
            else:
                block.commands[-1].output.append(self.lines[i])
        return True

    # ---- marks ----

    def _take_mark(self, block, line, text):
        found = re.fullmatch(r'<!--\s*(varies|with|not run):\s*(.*?)\s*-->\s*', text)
        if not found:
            return
        kind, value = found.groups()
        if not value:
            self._wrong(line, f'{kind}: says nothing')
        elif kind == 'not run':
            block.not_run = value
        elif kind == 'with':
            self._take_with(block, line, value)
        elif label := re.fullmatch(r'\[([a-z][\w-]*)\]', value):
            self._take_label(block, line, label[1])
        else:
            self._take_varies(block, line, value)

    def _take_label(self, block, line, label):
        self._used_labels.add(label)
        if label not in self._labels:
            self._wrong(line, f'varies: there is no line `<!-- [{label}] ... -->`')
        for number, value in self._labels.get(label, ()):
            self._take_varies(block, number, value)

    def _take_varies(self, block, line, value):
        for source in re.split(r';\s+', value):
            try:
                mark = re.compile(source)
            except re.error as error:
                self._wrong(line, f'varies: `{source}` is not a regular expression: {error}')
                continue
            if mark.search('') or any(map(mark.fullmatch, ANYTHING)):
                self._wrong(line, f'varies: `{source}` matches anything; say which part of a line it is')
                continue
            if not any(mark.search(shown) for command in block.commands for shown in unfolded(command.output)):
                self.idle_marks.append((line, f'varies: `{source}` matches nothing in its block'))
            block.varies.append(source)

    def _take_with(self, block, line, value):
        for word in shlex.split(value):
            name, is_set, to = word.partition('=')
            if is_set and name in MAY_SET[block.prompt]:
                block.settings[name] = to
            else:
                self._wrong(line, f'with: `{word}` cannot be set for a block of `{block.prompt}`')

    # ---- writing ----

    def text(self, outputs: dict[int, list[str]] | None = None) -> str:
        """The text with other outputs: `outputs` maps the line number of a command to its new lines."""
        lines = list(self.lines)
        for command in reversed([command for block in self.blocks for command in block.commands]):
            if command.line in (outputs or {}):
                lines[command.line:command.line + len(command.output)] = outputs[command.line]
        return '\n'.join(lines)

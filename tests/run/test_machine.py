"""What tests rely on: waiting for a state of a machine, and the output of a line typed at the prompt."""
import time

from attic.machine import PROMPT


def test_a_silent_machine_is_asked(boot, check):
    machine = boot('machine-silence', silence=2)
    machine.expect(PROMPT)
    start = machine.clock()
    check.true(machine.wait_until(lambda: machine.clock() > start + 4), 'longer than it may be silent', machine)
    check.equal(machine.finish(), 'timeout', 'and only as long as it is asked', machine)


def test_a_test_that_takes_its_time(boot, check):
    """The limits hold only while something waits for the machine; a test on a busy host may be slow itself."""
    machine = boot('machine-slow-test', silence=2, timeout=30)
    machine.expect(PROMPT)
    time.sleep(4)
    check.like(machine.run('audit'), 'all invariants hold', 'it has not been ended', machine)
    check.equal(machine.finish(), 'timeout', 'but is when it is silent for so long', machine)


def test_background(boot, check):
    """What a program prints after the prompt is not the output of the next line."""
    machine = boot('machine-background')
    machine.expect(PROMPT)
    machine.run('run forever sleep &')
    machine.wait_until(lambda: 'in the background' in machine.output)
    check.like(machine.run('help audit'), r'\Aaudit', 'a line prints what is its own')
    check.equal(machine.finish('poweroff'), 'pass', 'powers off', machine)

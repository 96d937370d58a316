"""A libvirt to test against: it keeps networks as libvirt does, and refuses what libvirt refuses."""

from tests.unit.fake_libvirt.host import FakeHost as FakeHost

"""Hypothesis strategies for networks that libvirt accepts, from few values, so that two of them have much in common."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.unit.specs import METADATA, TEXTS

OWN = (None, "nat", "route", "open")
MODES = st.sampled_from((*OWN, *OWN, "bridge", "macvtap", "private", "vepa", "passthrough", "hostdev"))
LEASES = st.sampled_from(
    [{"expiry": 0}, {"expiry": 5}, {"expiry": 300, "unit": "seconds"}, {"expiry": 1, "unit": "hours"}]
)
RATES = st.fixed_dictionaries({"average": st.integers(1, 3)}, optional={"peak": st.just(9), "burst": st.just(8)})
BANDWIDTHS = st.fixed_dictionaries({}, optional={"inbound": RATES, "outbound": RATES})
DEVICES = st.lists(st.sampled_from(["eth1", "eth2", "eth3"]), min_size=1, max_size=3, unique=True)
NAMES = st.sampled_from(["a", "b", "c", "d.example"])


def some(**fields):
    """A dictionary with some of these."""
    return st.fixed_dictionaries({}, optional=fields)


def records(entry, *unique):
    """A list of records that share none of some values."""

    def apart(items):
        taken = [item[name] for name in unique for item in items if name in item]
        return len({repr(value) for value in taken}) == len(taken)

    return st.lists(entry, max_size=3).filter(apart)


DNS = some(
    enable=st.just(True),
    forward_plain_names=st.booleans(),
    forwarders=records(
        some(addr=st.sampled_from(["192.0.2.1", "2001:db8::1"]), domain=NAMES).filter(bool), "addr", "domain"
    ),
    txts=records(st.fixed_dictionaries({"name": NAMES, "value": NAMES}), "name"),
    srvs=records(
        st.fixed_dictionaries(
            {"service": st.sampled_from(["ldap", "sip"]), "protocol": st.sampled_from(["tcp", "udp"])},
            optional={"domain": NAMES},
        ).flatmap(
            lambda srv: st.one_of(
                st.just(srv), st.builds(lambda port: {**srv, "target": "t", "port": port}, st.integers(1, 3))
            )
        ),
        "service",
    ),
    hosts=records(
        st.fixed_dictionaries(
            {
                "ip": st.sampled_from(["192.0.2.5", "192.0.2.6", "2001:db8::5"]),
                "hostnames": st.lists(NAMES, min_size=1, max_size=2, unique=True),
            }
        ),
        "ip",
    ),
)


def _hosts(version, net):
    ids = {"mac": st.sampled_from([f"52:54:00:00:00:0{digit}" for digit in "123"])}
    if version == 6:
        ids = {"id": st.sampled_from([f"00:03:00:01:52:54:00:11:22:0{digit}" for digit in "12"])}
    places = st.sampled_from([f"{net}{last}" for last in (10, 11, 12)])
    one = st.fixed_dictionaries({"ip": places}, optional={**ids, "name": NAMES, "lease": LEASES})
    return records(one.filter(lambda host: len(host.keys() - {"ip", "lease"}) > 0), "ip", "mac", "id", "name")


def _dhcp(version, net):
    bounds = [(20, 29), (30, 39), (30, 49)] if version == 4 else [("1:0", "1:9"), ("2:0", "2:9")]
    ranges = [{"start": f"{net}{low}", "end": f"{net}{high}"} for low, high in bounds]
    one = st.builds(lambda bound, lease: {**bound, **lease}, st.sampled_from(ranges), some(lease=LEASES))
    served = some(ranges=records(one, "start"), hosts=_hosts(version, net))
    if version == 6:
        return served
    bootp = st.fixed_dictionaries({"file": st.just("pxe")}, optional={"server": st.just("192.0.2.9")})
    return st.builds(lambda dhcp, more: {**dhcp, **more} if any(dhcp.values()) else dhcp, served, some(bootp=bootp))


@st.composite
def ips(draw, least):
    """Addresses in subnets of their own, with DHCP on one of each family at most."""
    found, served = [], set()
    for place in draw(st.lists(st.sampled_from([0, 1, 4, 5]), min_size=least, max_size=3, unique=True)):
        version = 6 if place > 3 else 4
        net, prefixes = (f"fd00:{place}::", (64, 80)) if version == 6 else (f"10.{place}.0.", (24, 25))
        item = {"address": f"{net}{draw(st.integers(1, 3))}", "prefix": draw(st.sampled_from(prefixes))}
        item |= draw(some(local_ptr=st.booleans() if item["prefix"] != 25 else st.just(False)))
        if version not in served and draw(st.booleans()):
            item["dhcp"] = draw(_dhcp(version, net))
            served.add(version)
        if version == 4:
            item |= draw(some(tftp=st.just({"root": "/srv"})))
        found.append(item)
    return found


def _portgroups(mode):
    fields = {"trust_guest_rx_filters": st.booleans()}
    if mode in OWN or mode == "bridge":
        fields["bandwidth"] = BANDWIDTHS.filter(bool)
    one = st.fixed_dictionaries({"name": st.sampled_from("pqr")}, optional=fields)
    mark = st.builds(
        lambda groups, default: [{**group, "default": index == default} for index, group in enumerate(groups)],
        records(one, "name"),
        st.integers(0, 3),
    )
    return st.one_of(records(one, "name"), mark)


def _forward(draw, mode):
    if mode in OWN:
        device = {} if mode in (None, "open") else draw(some(dev=st.sampled_from(["eth1", "eth2"])))
        nat = some(
            ipv6=st.booleans(),
            address=st.just({"start": "192.0.2.1", "end": "192.0.2.2"}),
            port=st.sampled_from([{"start": 1024, "end": 65535}, {"start": 2, "end": 3}]),
        )
        return {"mode": mode, **device, **({"nat": draw(nat)} if mode == "nat" else {})} if mode else {}
    if mode == "bridge":
        return {"mode": "bridge"}
    if mode == "hostdev":
        addresses = st.lists(
            st.builds(lambda slot: {"domain": "0", "bus": "3", "slot": slot, "function": "0"}, st.sampled_from("123")),
            min_size=1,
            max_size=2,
            unique_by=repr,
        )
        pool = draw(
            st.one_of(st.just({"pf": {"dev": "eth9"}}), st.builds(lambda found: {"addresses": found}, addresses))
        )
        return {"mode": mode, **pool, **draw(some(managed=st.booleans(), driver=st.just({"name": "vfio"})))}
    if draw(st.booleans()):
        return {"mode": "bridge" if mode == "macvtap" else mode, "pf": {"dev": "eth9"}}
    devices = [{"dev": name} for name in draw(DEVICES)]
    return {"mode": "bridge" if mode == "macvtap" else mode, "interfaces": devices}


def _own(draw, mode):
    addresses = draw(ips(0 if mode is None else 1))
    found = {
        "ips": addresses,
        **draw(
            some(
                ipv6=st.booleans(),
                mtu=st.just({"size": 1400}),
                mac=st.just({"address": "52:54:00:aa:00:01"}),
                dns=DNS,
                domain=st.fixed_dictionaries({"name": NAMES}, optional={"local_only": st.booleans()}),
                bridge=some(
                    name=st.sampled_from(["virbr50", "virbr51"]),
                    zone=NAMES.map(lambda name: name[0]),
                    stp=st.booleans(),
                    delay=st.integers(0, 2),
                    mac_table_manager=st.sampled_from(["kernel", "libvirt"]),
                ),
                bandwidth=BANDWIDTHS,
                port=some(isolated=st.booleans()),
                dnsmasq_options=st.lists(TEXTS.map(lambda text: text.replace('"', "'")), max_size=2),
            )
        ),
    }
    if addresses and draw(st.booleans()):
        near = addresses[0]["address"]
        nets = ["10.8.0.0/16", "10.9.0.0/16"] if ":" not in near else ["fd08::/64"]
        one = st.fixed_dictionaries(
            {"address": st.sampled_from(nets), "gateway": st.just(near + "0")}, optional={"metric": st.integers(1, 2)}
        )
        found["routes"] = draw(records(one, "address"))
    return found


@st.composite
def networks(draw):
    """A network of any form that libvirt accepts."""
    mode = draw(MODES)
    found = {
        "forward": _forward(draw, mode),
        **draw(
            some(
                metadata=METADATA,
                trust_guest_rx_filters=st.booleans(),
                portgroups=_portgroups(mode),
            )
        ),
    }
    if mode in OWN:
        return found | _own(draw, mode)
    if mode == "bridge":
        found["bridge"] = {"name": draw(st.sampled_from(["br0", "br1"]))}
        found |= draw(some(bandwidth=BANDWIDTHS))
        if draw(st.booleans()):
            tags = st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True)
            found |= {"virtualport": {"type": "openvswitch"}, "vlan": {"tags": [{"id": tag} for tag in draw(tags)]}}
    elif mode in ("private", "vepa"):
        found |= draw(some(virtualport=st.just({"type": "802.1Qbh", "parameters": {"profileid": "x"}})))
    return found

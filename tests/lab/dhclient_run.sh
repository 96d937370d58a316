#!/bin/sh
# Asks for a new lease on a client's eth0: dhclient_run.sh 4|6. Runs in the client, in the folder of dhclient_hook.sh.
set -eu
cd /run/lab
if [ -f dhclient.pid ]; then
	kill "$(cat dhclient.pid)" 2>/dev/null || true
fi
rm -f dhclient.pid lease dhclient.leases
cp --remove-destination "$(command -v dhclient)" dhclient # under its own path an AppArmor profile may forbid it these files
chmod +x dhclient_hook.sh
cat >dhclient.conf <<'END'
timeout 15;
send host-name = gethostname();
request subnet-mask, routers, domain-name, domain-name-servers, domain-search, host-name, interface-mtu, ntp-servers,
	tftp-server-name, bootfile-name, rfc3442-classless-static-routes, dhcp6.name-servers, dhcp6.domain-search;
END
identity=
if [ "$1" = 6 ]; then
	identity="-D LL" # from the MAC
fi
# -1: one try, then on in the background to renew
# shellcheck disable=SC2086 # none or two words
timeout 20 ./dhclient "-$1" -1 -v $identity -cf dhclient.conf -sf /run/lab/dhclient_hook.sh \
	-pf /run/lab/dhclient.pid -lf /run/lab/dhclient.leases eth0 >dhclient.log 2>&1 </dev/null || {
	cat dhclient.log >&2
	exit 1
}

package onwindows

import (
	"context"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Network is the collector "network": interfaces, addresses, neighbours, routes, the
// cache of the DNS client, SMB, and the settings of firewall, proxies and name
// resolution. Items:
//
//	volatile/network/NAME.bin       one answer each, as it came (the list is in networkAnswers)
//	volatile/network/hosts          the hosts file
//	volatile/network.jsonl          rows of the kinds in SCHEMA.md
//	volatile/network/settings.jsonl SettingRow and FirewallRuleRow: what the registry says
//
// No name is resolved and no other machine is asked: the cache of the DNS client is
// read with DNS_QUERY_NO_WIRE_QUERY, and the calls of SMB name no server, which means
// this one. Those that ask a service have a time limit each.
func Network() collector.Collector {
	return collector.Collector{
		Name: "network", Doc: "interfaces, routes, neighbours, DNS cache, firewall, SMB, and how names are resolved",
		Volatility: collector.Live, Needs: collector.LiveHost,
		Limit: collector.Limit{Time: 90 * time.Second},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectNetwork(newJob(ctx, h, to, thisSystem()))
		},
	}
}

// serviceTime is how long a call that asks a service may take.
const serviceTime = 8 * time.Second

func networkAnswers() []answer {
	return []answer{
		{name: "network/neighbours", source: "GetIpNetTable2(AF_UNSPEC)"},
		{name: "network/dns_cache", source: "DnsGetCacheDataTable", within: serviceTime},
		{name: "network/dns_records", source: "DnsQuery_W(each name of the cache, DNS_QUERY_NO_WIRE_QUERY)", within: 2 * serviceTime},
		{name: "network/smb_sessions", source: "NetSessionEnum(this host, 502)", within: serviceTime},
		{name: "network/smb_sessions_10", source: "NetSessionEnum(this host, 10)", within: serviceTime},
		{name: "network/smb_files", source: "NetFileEnum(this host, 3)", within: serviceTime},
		{name: "network/smb_uses", source: "NetUseEnum(this host, 2)", within: serviceTime},
		{name: "network/links", source: "GetIfTable2"},
		{name: "network/addresses", source: "GetUnicastIpAddressTable(AF_UNSPEC)"},
		{name: "network/routes", source: "GetIpForwardTable2(AF_UNSPEC)"},
		{name: "network/adapters", source: "GetAdaptersAddresses(AF_UNSPEC)", within: serviceTime},
		{name: "network/smb_shares", source: "NetShareEnum(this host, 502)", within: serviceTime},
		{name: "network/smb_shares_1", source: "NetShareEnum(this host, 1)", within: serviceTime},
	}
}

func collectNetwork(j *job) error {
	if err := j.take(networkAnswers()...); err != nil {
		return err
	}
	var n netNames
	records, _ := j.of("network/dns_records")
	err := j.table("volatile/network.jsonl", "iphlpapi, dnsapi, netapi32: the calls of network/*.bin",
		part{"network/links", n.linkRows}, part{"network/addresses", n.addressRows}, part{"network/neighbours", n.neighbourRows},
		part{"network/routes", n.routeRows}, part{"network/adapters", n.adapterRows}, part{"network/dns_cache", cacheRows(records)},
		part{"network/smb_sessions", sessionRows502}, part{"network/smb_sessions_10", sessionRows10}, part{"network/smb_files", fileRows},
		part{"network/smb_uses", useRows}, part{"network/smb_shares", shareRows502}, part{"network/smb_shares_1", shareRows1})
	if err != nil {
		return err
	}
	if err := putHosts(j); err != nil {
		return err
	}
	return putSettings(j, "volatile/network/settings.jsonl", networkSettings())
}

package onwindows

// Where settings are: one line for each place of the registry. Control and services are
// those that the running system started with (CurrentControlSet).
const (
	keyControl  = `HKLM\SYSTEM\CurrentControlSet\Control`
	keyServices = `HKLM\SYSTEM\CurrentControlSet\Services`
	keySoftware = `HKLM\SOFTWARE\Microsoft`
	keyPolicies = `HKLM\SOFTWARE\Policies\Microsoft`
	keyWindows  = `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion`
	keyNT       = `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`
)

// kernelSettings is what says how this Windows starts and guards itself.
func kernelSettings() []setting {
	return []setting{
		{kind: "os", key: keyNT, names: "productname,displayversion,releaseid,currentbuild,ubr,editionid,installationtype,installdate,installtime,buildlabex,registeredowner," +
			"registeredorganization,systemroot,pathname"},
		{kind: "computer_name", key: keyControl + `\ComputerName`, depth: 1},
		{kind: "domain", key: keyServices + `\Tcpip\Parameters`, names: "hostname,nv hostname,domain,nv domain"},
		{kind: "domain", key: keyNT + `\Winlogon`, names: "defaultdomainname,cachedlogonscount"},
		{kind: "domain", key: `HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters`, names: "disablepasswordchange,maximumpasswordage,requiresignorseal"},
		{kind: "time_zone", key: keyControl + `\TimeZoneInformation`},
		{kind: "hardware", key: `HKLM\HARDWARE\DESCRIPTION\System`, depth: 1, names: "systembiosversion,videobiosversion,systembiosdate,biosvendor,biosversion,biosreleasedate,systemmanufacturer,systemproductname,systemfamily,systemsku,baseboardproduct"},
		{kind: "boot", key: keyControl, names: "systemstartoptions,systembootdevice,firmwarebootdevice,lastbootsucceeded,lastbootshutdown"},
		{kind: "boot_configuration", key: `HKLM\BCD00000000`, depth: 5},
		{kind: "secure_boot_state", key: keyControl + `\SecureBoot`, depth: 2},
		{kind: "tpm", key: `HKLM\SYSTEM\CurrentControlSet\Enum\ACPI\MSFT0101`, depth: 1, names: "devicedesc,mfg,service,driver,configflags"},
		{kind: "tpm", key: keyServices + `\TPM`, depth: 2, names: "start,imagepath"},
		{kind: "bitlocker", key: keyControl + `\BitlockerStatus`, depth: 1},
		{kind: "bitlocker", key: keyControl + `\BitLocker`, depth: 1},
		{kind: "bitlocker", key: keyPolicies + `\FVE`, depth: 1},
		{kind: "page_file", key: keyControl + `\Session Manager\Memory Management`, names: "pagingfiles,existingpagefiles,clearpagefileatshutdown,swapfilecontrol,tempopagefile"},
		{kind: "hibernation", key: keyControl + `\Power`, names: "hibernateenabled,hibernateenableddefault,hiberfilesizepercent,hiberfiletype"},
		{kind: "hibernation", key: keyControl + `\Session Manager\Power`, names: "hiberbootenabled"},
		{kind: "crash_dump", key: keyControl + `\CrashControl`, depth: 1},
		{kind: "lsa", key: keyControl + `\Lsa`, names: "runasppl,runaspplboot,lsacfgflags,security packages,authentication packages,notification packages," +
			"lmcompatibilitylevel,disablerestrictedadmin,limitblankpassworduse,nolmhash,restrictanonymous,everyoneincludesanonymous,auditbasedirectories,crashonauditfail"},
		{kind: "lsa", key: keyControl + `\Lsa\OSConfig`},
		{kind: "lsa", key: keyControl + `\SecurityProviders\WDigest`},
		{kind: "code_integrity_policy", key: keyControl + `\CI`, depth: 2},
		{kind: "code_integrity_policy", key: keyControl + `\DeviceGuard`, depth: 3},
		{kind: "code_integrity_policy", key: keyPolicies + `\Windows\DeviceGuard`, depth: 1},
		{kind: "filter_driver", key: keyServices, depth: 3, names: "altitude"},
		{kind: "uac", key: keyWindows + `\Policies\System`, depth: 1},
		{kind: "audit_policy", key: `HKLM\SECURITY\Policy\PolAdtEv`},
		{kind: "event_log", key: keyServices + `\EventLog`, depth: 1, names: "start,file,maxsize,retention,autobackuplogfiles"},
		{kind: "event_log", key: keyPolicies + `\Windows\EventLog`, depth: 2},
		{kind: "powershell_policy", key: keyPolicies + `\Windows\PowerShell`, depth: 2},
		{kind: "powershell_policy", key: `HKU\*\Software\Policies\Microsoft\Windows\PowerShell`, depth: 2},
		{kind: "powershell_policy", key: keySoftware + `\PowerShell\1\ShellIds`, depth: 1, names: "executionpolicy"},
		{kind: "script_host", key: keySoftware + `\Windows Script Host\Settings`},
		{kind: "defender", key: keySoftware + `\Windows Defender`, depth: 2},
		{kind: "defender", key: keyPolicies + `\Windows Defender`, depth: 3},
		{kind: "defender", key: keyServices + `\WinDefend`, names: "start,imagepath,launchprotected"},
		{kind: "defender", key: keyServices + `\Sense`, names: "start,imagepath"},
		{kind: "security_center", key: keySoftware + `\Security Center`, depth: 3},
	}
}

// networkSettings is how names are resolved, and what lets traffic in or leads it elsewhere.
func networkSettings() []setting {
	const internet = `Software\Microsoft\Windows\CurrentVersion\Internet Settings`
	const proxyNames = "proxyenable,proxyserver,proxyoverride,autoconfigurl,autodetect,migrateproxy,proxysettingsperuser,defaultconnectionsettings,savedlegacysettings,winhttpsettings"
	return []setting{
		{kind: "proxy", key: `HKLM\` + internet, depth: 1, names: proxyNames},
		{kind: "proxy", key: keyPolicies + `\Windows\CurrentVersion\Internet Settings`, names: proxyNames},
		{kind: "proxy", key: `HKU\*\` + internet, depth: 1, names: proxyNames},
		{kind: "portproxy", key: keyServices + `\PortProxy`, depth: 3},
		{kind: "persistent_route", key: keyServices + `\Tcpip\Parameters\PersistentRoutes`},
		{kind: "resolver_setting", key: keyServices + `\Tcpip\Parameters`, names: "hostname,nv hostname,domain,nv domain,nameserver,searchlist,dhcpnameserver,dhcpdomain," +
			"databasepath,ipenablerouter,usedomainnamedevolution"},
		{kind: "resolver_setting", key: keyServices + `\Tcpip\Parameters\Interfaces`, depth: 2},
		{kind: "resolver_setting", key: keyServices + `\Tcpip6\Parameters\Interfaces`, depth: 2},
		{kind: "resolver_setting", key: keyServices + `\Dnscache\Parameters`, depth: 2},
		{kind: "resolver_setting", key: keyPolicies + `\Windows NT\DNSClient`, depth: 2},
		{kind: "network_profile", key: keyNT + `\NetworkList`, depth: 3},
		{kind: "smb_server", key: keyServices + `\LanmanServer\Parameters`},
		{kind: "smb_server", key: keyServices + `\LanmanServer\Shares`},
		{kind: "mapped_drive", key: `HKU\*\Network`, depth: 1},
		{kind: "time_service", key: keyServices + `\W32Time`, depth: 3},
		{kind: "firewall", key: keyPolicies + `\WindowsFirewall`, depth: 2, row: firewallRow},
		{kind: "firewall", key: keyServices + `\SharedAccess\Parameters\FirewallPolicy`, depth: 3, row: firewallRow},
	}
}

// sessionSettings is who logged on last, and who may from afar. Passwords that lie in
// the registry (DefaultPassword of Winlogon) are not read into rows.
func sessionSettings() []setting {
	return []setting{
		{kind: "last_logon", key: keyWindows + `\Authentication\LogonUI`, names: "lastloggedonuser,lastloggedonsamuser,lastloggedonusersid,lastloggedondisplayname,lastloggedonprovider,selectedusersid"},
		{kind: "last_logon", key: keyWindows + `\Authentication\LogonUI\SessionData`, depth: 1},
		{kind: "last_logon", key: keyNT + `\Winlogon`, names: "defaultusername,defaultdomainname,altdefaultusername,lastusedusername,autoadminlogon,forceautologon,cachedlogonscount"},
		{kind: "profile", key: keyNT + `\ProfileList`, depth: 1},
		{kind: "session_environment", key: `HKU\*\Volatile Environment`, depth: 1},
		{kind: "rdp_server", key: keyControl + `\Terminal Server`, names: "fdenytsconnections,fsingle,sessionperuser,allowremoterpc,tsenabled"},
		{kind: "rdp_server", key: keyControl + `\Terminal Server\WinStations\RDP-Tcp`, names: "portnumber,userauthentication,securitylayer,minencryptionlevel,shadow,fenablewinstation"},
		{kind: "rdp_server", key: keyPolicies + `\Windows NT\Terminal Services`, depth: 1},
		{kind: "rdp_client", key: `HKU\*\Software\Microsoft\Terminal Server Client`, depth: 2},
	}
}

package authenticode

import "strings"

// providers are the places of the registry, below HKEY_LOCAL_MACHINE, that say which DLLs
// WinVerifyTrust loads into whoever calls it, for a program and the policy that is asked
// for. Somebody who changed them would have us load his code, and say what he likes
// (ATT&CK T1553.003).
func providers() (keys []string, value map[string]string) {
	value = map[string]string{}
	add := func(key, name string) {
		keys = append(keys, key)
		value[key] = name
	}
	const program = `{C689AAB8-8E78-11D0-8C47-00C04FC295EE}` // a PE image
	for _, f := range []string{"CryptSIPDllGetSignedDataMsg", "CryptSIPDllVerifyIndirectData", "CryptSIPDllCreateIndirectData"} {
		add(`SOFTWARE\Microsoft\Cryptography\OID\EncodingType 0\`+f+`\`+program, "Dll")
	}
	const policy = `{00AAC56B-CD44-11D0-8CC2-00C04FC295EE}` // WINTRUST_ACTION_GENERIC_VERIFY_V2
	for _, f := range []string{"Initialization", "Message", "Signature", "Certificate", "CertCheck", "FinalPolicy", "Cleanup"} {
		add(`SOFTWARE\Microsoft\Cryptography\Providers\Trust\`+f+`\`+policy, "$DLL")
	}
	return keys, value
}

// systemsOwn says whether a DLL of such a place is Windows' own: wintrust.dll, by its name
// alone or in the system's folder.
func systemsOwn(dll, systemDir string) bool {
	dll = strings.ToLower(dll)
	return dll == "wintrust.dll" || dll == strings.ToLower(systemDir)+`\wintrust.dll`
}

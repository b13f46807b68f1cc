/* bcryptprimitives.dll for Wine 8, which lacks it: Go's runtime takes its random
   numbers from ProcessPrng there, the way Microsoft documents it
   (https://learn.microsoft.com/windows/win32/seccng/processprng). */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
	return RtlGenRandom(data, (ULONG)size);
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved)
{
	return TRUE;
}

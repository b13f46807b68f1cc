/* Reads a minidump with the system's own dbghelp, and prints what it finds there:
 * readdump FILE. Build with -ldbghelp. */
#include <windows.h>
#include <dbghelp.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	HANDLE f = CreateFileA(argc > 1 ? argv[1] : "", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
	HANDLE m = CreateFileMappingA(f, NULL, PAGE_READONLY, 0, 0, NULL);
	void *dump = m ? MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0) : NULL, *at;
	MINIDUMP_DIRECTORY *dir;
	ULONG size;

	if (!dump)
		return 1;
	if (MiniDumpReadDumpStream(dump, ThreadListStream, &dir, &at, &size))
		printf("threads %u\n", ((MINIDUMP_THREAD_LIST *)at)->NumberOfThreads);
	if (MiniDumpReadDumpStream(dump, ModuleListStream, &dir, &at, &size)) {
		MINIDUMP_MODULE_LIST *l = at;
		printf("modules %u first %ls\n", l->NumberOfModules, ((MINIDUMP_STRING *)((char *)dump + l->Modules[0].ModuleNameRva))->Buffer);
	}
	if (MiniDumpReadDumpStream(dump, SystemInfoStream, &dir, &at, &size))
		printf("architecture %u\n", ((MINIDUMP_SYSTEM_INFO *)at)->ProcessorArchitecture);
	if (MiniDumpReadDumpStream(dump, MiscInfoStream, &dir, &at, &size))
		printf("process %u\n", ((MINIDUMP_MISC_INFO *)at)->ProcessId);
	if (MiniDumpReadDumpStream(dump, Memory64ListStream, &dir, &at, &size)) {
		MINIDUMP_MEMORY64_LIST *l = at;
		ULONG64 i, sum = 0;
		for (i = 0; i < l->NumberOfMemoryRanges; i++)
			sum += l->MemoryRanges[i].DataSize;
		printf("memory %llu ranges, ends at %llu of the file\n", l->NumberOfMemoryRanges, l->BaseRva + sum);
	}
	return 0;
}

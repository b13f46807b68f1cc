// SPDX-License-Identifier: GPL-2.0
/*
 * A module that hides as rootkits do, and does nothing else: for the tests that
 * show that hozen reports it. Only for the guest of testdata/vm.
 *
 *   insmod hide.ko                   leaves the list of modules (/proc/modules, kallsyms)
 *   insmod hide.ko sysfs=1           leaves /sys/module, too
 *   insmod hide.ko pid=4711          hides /proc/4711 from those who list /proc
 *   insmod hide.ko listed=1 pid=4711 hides the process, but not itself
 *
 * It cannot be removed while it is not listed; switch the guest off.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

static bool listed;
module_param(listed, bool, 0);
static bool sysfs;
module_param(sysfs, bool, 0);
static char *pid = "";
module_param(pid, charp, 0);

/* What a directory entry is replaced by: a function that says "go on". */
static bool leave_out(void)
{
	return true;
}

/*
 * filldir64(ctx, name, length, ...) puts one entry into the buffer of
 * getdents64(2). The name of the hidden process never gets there.
 */
static int before_filldir(struct kprobe *probe, struct pt_regs *regs)
{
	const char *name = (const char *)regs->si;
	size_t length = regs->dx;

	if (length != strlen(pid) || memcmp(name, pid, length))
		return 0;
	regs->ip = (unsigned long)leave_out;
	return 1; /* the registers are as we want them */
}

static struct kprobe filldir = {
	.symbol_name = "filldir64",
	.pre_handler = before_filldir,
};

static int __init hide_init(void)
{
	if (*pid) {
		int err = register_kprobe(&filldir);

		if (err)
			return err;
	}
	if (!listed)
		list_del_init(&THIS_MODULE->list);
	if (sysfs)
		kobject_del(&THIS_MODULE->mkobj.kobj);
	return 0;
}

static void __exit hide_exit(void)
{
	if (*pid)
		unregister_kprobe(&filldir);
}

module_init(hide_init);
module_exit(hide_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hides itself and a process, for tests");

"""What a submission may not ask of the kernel, as a seccomp filter. Knows nothing of submissions.

Walls of folders and names leave some doors open: keys that the kernel keeps for a user, memory
that belongs to no process, sockets to the machine below a virtual one, name spaces made inside.
"""

import platform
import struct

MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # the kernel's mark, the column
FORBIDDEN = {  # name: its number on x86_64, on aarch64
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "setsid": (112, 157),  # a session of its own would get a share of the processor of its own
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vmsplice": (278, 75),
}
CLONE, CLONE3, MMAP = (56, 220), (435, 435), (9, 222)
NAME_SPACES = 0x7E02_0000  # flags of `clone` that make new ones
SHARED = 1  # flag of `mmap`: memory that is nobody's, so that no process is charged with it
NUMBER, MACHINE, FIRST, FOURTH = 0, 4, 16, 40  # where the kernel shows a call's parts
LOAD, EQUAL, AT_LEAST, ANY_OF, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, UNKNOWN, KILL = 0x7FFF_0000, 0x0005_0001, 0x0005_0026, 0x8000_0000


def seccomp(machine: str = "") -> bytes:
    """Give the filter that the kernel runs at each call of a process and all that it starts.

    Args:
        machine: such as `x86_64`; this one, if empty. For an unknown one the filter is empty.

    Reference: seccomp(2), Linux manual pages.
    """
    if (machine or platform.machine()) not in MACHINES:
        return b""
    mark, column = MACHINES[machine or platform.machine()]
    steps = [(LOAD, 0, 0, MACHINE), (EQUAL, 1, 0, mark), (RETURN, 0, 0, KILL)]
    steps += [(LOAD, 0, 0, NUMBER)]
    if column == 0:  # the numbers of another way to call the same kernel
        steps += [(AT_LEAST, 0, 1, 0x4000_0000), (RETURN, 0, 0, REFUSE)]
    for numbers in FORBIDDEN.values():
        steps += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, REFUSE)]
    steps += [(EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, UNKNOWN)]  # then `clone` is tried
    for numbers, argument, flags in ((CLONE, FIRST, NAME_SPACES), (MMAP, FOURTH, SHARED)):
        steps += [(EQUAL, 0, 3, numbers[column]), (LOAD, 0, 0, argument)]
        steps += [(ANY_OF, 0, 1, flags), (RETURN, 0, 0, REFUSE)]
        steps += [(LOAD, 0, 0, NUMBER)]
    steps += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)

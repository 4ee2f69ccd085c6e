// Command slowdisk becomes another program, for which fdatasync takes longer. On a machine
// whose disk answers in a tenth of a millisecond nothing else shows what a program does
// whose commits wait for the disk.
//
// Usage: slowdisk DELAY PROGRAM [ARGUMENT ...]. The process id stays what it was.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"carrier/bench/control"
)

func main() { control.Exit(run()) }

// watching is the name under which this program is its own second process.
const watching = "slowdisk-watch"

func run() error {
	if len(os.Args) < 3 {
		return errors.New("usage: slowdisk DELAY PROGRAM [ARGUMENT ...]")
	}
	delay, err := time.ParseDuration(os.Args[1])
	if err != nil {
		return err
	}
	if os.Args[0] == watching {
		return watch(delay)
	}
	return become(os.Args[2], os.Args[2:])
}

// become has a second process told of every fdatasync, and then is the program.
func become(path string, args []string) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socketpair: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	second := exec.Command(self) //nolint:noctx // it ends with the program
	second.Args = append([]string{watching}, os.Args[1:]...)
	second.Stderr = os.Stderr
	second.ExtraFiles = []*os.File{os.NewFile(uintptr(pair[1]), "pair")}
	if err := second.Start(); err != nil {
		return err
	}
	runtime.LockOSThread() // the filter is this thread's, and through exec the program's
	listener, err := listen()
	if err != nil {
		return err
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(listener), nil, 0); err != nil {
		return fmt.Errorf("send the listener: %w", err)
	}
	unix.CloseOnExec(listener)
	return syscall.Exec(path, args, os.Environ()) //nolint:gosec // the runner built it
}

// listen returns a descriptor that tells of each fdatasync of this thread and of what it
// becomes (seccomp_unotify(2)).
func listen() (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("no new privileges: %w", err)
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the system call comes first
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FDATASYNC, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // four
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(&program))) //nolint:gosec // the kernel's interface
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w", errno)
	}
	return int(fd), nil //nolint:gosec // a descriptor
}

// The kernel's struct seccomp_notif and struct seccomp_notif_resp.
type (
	notice struct {
		id         uint64
		pid, flags uint32
		number     int32
		arch       uint32
		ip         uint64
		args       [6]uint64
	}
	verdict struct {
		id    uint64
		value int64
		errno int32
		flags uint32
	}
)

// watch lets each fdatasync go on after the delay, until the program has ended.
func watch(delay time.Duration) error {
	listener, err := receive(3)
	if err != nil {
		return err
	}
	poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}} //nolint:gosec // a descriptor
	for {
		if _, err := unix.Poll(poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if poll[0].Revents&unix.POLLHUP != 0 {
			return nil // nobody is left
		}
		var n notice
		if ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) == 0 { //nolint:gosec // the kernel's interface
			go release(listener, n.id, delay)
		} // else a signal took the caller out of it, and it calls again
	}
}

func release(listener int, id uint64, delay time.Duration) {
	time.Sleep(delay)
	v := verdict{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	_ = ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&v)) //nolint:gosec // the kernel's interface
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)) //nolint:gosec // a descriptor
	return errno
}

// receive takes the listener out of the socket.
func receive(socket int) (int, error) {
	rights := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), rights, 0)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("no listener came: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, fmt.Errorf("no listener came: %w", err)
	}
	return fds[0], nil
}

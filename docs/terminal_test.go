package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal runs commands as a reader does, in a terminal: larder shows a person
// other things than it gives a program.
type terminal struct {
	dir string
	env []string
}

// run gives what was seen, standard output and errors together.
func (s terminal) run(ctx context.Context, text string) (seen string, err error) {
	master, slave, err := openTerminal()
	if err != nil {
		return "", fmt.Errorf("there is no terminal to be had: %w", err)
	}
	defer master.Close()
	shell := exec.CommandContext(ctx, "bash", "-c", text)
	shell.Dir, shell.Env = s.dir, s.env
	shell.Stdin, shell.Stdout, shell.Stderr = slave, slave, slave
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := shell.Start(); err != nil {
		return "", errors.Join(err, slave.Close())
	}
	slave.Close() // the shell has it now
	var output bytes.Buffer
	_, copied := io.Copy(&output, master)
	if errors.Is(copied, syscall.EIO) { // how a terminal ends when all have left it
		copied = nil
	}
	err = shell.Wait()
	return plain(output.String()), errors.Join(err, copied)
}

// openTerminal gives both ends of a terminal, 200 columns wide (pty(7)).
func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, master.Close())
		}
	}()
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200}); err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return master, slave, err
}

// escapes are the sequences that colour, erase and move (ECMA-48, section 5.4).
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[\\x20-\\x2f]*[\\x40-\\x7e]")

// lineEnds as a terminal has them, also of what ended its lines so already.
var lineEnds = regexp.MustCompile("\r+\n")

// plain is what stays to be read of what went to a terminal: no colours, and of
// a line that was drawn again and again the last.
func plain(output string) string {
	output = lineEnds.ReplaceAllString(escapes.ReplaceAllString(output, ""), "\n")
	lines := strings.Split(output, "\n")
	for i, line := range lines {
		lines[i] = line[strings.LastIndexByte(line, '\r')+1:]
	}
	return strings.Join(lines, "\n")
}

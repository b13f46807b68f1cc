package cipher

import (
	"strings"
	"testing"
)

// Of a private key that was given in the place of a recipient no error shows a part.
func TestPrivateKeyIsNotShown(t *testing.T) {
	for _, quantum := range []bool{false, true} {
		identity, _, err := Generate(quantum)
		if err != nil {
			t.Fatal(err)
		}
		secret := identity[len("AGE-SECRET-KEY-")+3:]
		for _, text := range []string{identity, strings.ToLower(identity), identity + "\nx", "ssh-ed25519 " + identity} {
			_, err := ParseRecipient(text)
			_, listErr := ReadRecipients(strings.NewReader("# mine\n" + text + "\n"))
			for _, err := range []error{err, listErr} {
				if err == nil {
					t.Fatalf("%q is a recipient", text)
				}
				if strings.Contains(strings.ToUpper(err.Error()), secret[:6]) {
					t.Errorf("shown: %v", err)
				}
			}
		}
	}
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END"
	if got := Hide(key); strings.Contains(got, "b3B") || !strings.Contains(got, "not shown") {
		t.Error(got)
	}
	if got := Hide("age1abc, and a name"); got != "age1abc, and a name" {
		t.Error(got)
	}
}

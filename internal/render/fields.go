package render

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"
)

// fieldNames are what may stand behind the dot of an event.
var fieldNames = []string{"Stream", "ID", "Event", "Kind", "Data", "JSON", "Received", "Attempt"}

// checkFields finds fields that no event has: the template would fail for each of
// them. It also turns the escapes \t, \n, \r and \\ in the template's text into
// what they stand for, because a shell does not.
func checkFields(tree *parse.Tree) error {
	c := fieldCheck{tree: tree}
	c.node(tree.Root, true)
	return c.err
}

type fieldCheck struct {
	tree *parse.Tree
	err  error // the first
}

// node checks a node and what is below. Atop tells whether the dot is the event.
func (c *fieldCheck) node(n parse.Node, atop bool) {
	if n == nil || reflect.ValueOf(n).IsNil() { // a branch that is not there
		return
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			c.node(child, atop)
		}
	case *parse.TextNode:
		n.Text = unescapeText(n.Text)
	case *parse.ActionNode:
		c.node(n.Pipe, atop)
	case *parse.IfNode:
		c.branch(&n.BranchNode, atop, atop)
	case *parse.WithNode:
		c.branch(&n.BranchNode, atop, false)
	case *parse.RangeNode:
		c.branch(&n.BranchNode, atop, false)
	case *parse.TemplateNode:
		c.node(n.Pipe, atop)
	case *parse.PipeNode:
		for _, cmd := range n.Cmds {
			for _, arg := range cmd.Args {
				c.node(arg, atop)
			}
		}
	case *parse.ChainNode:
		c.node(n.Node, atop)
	case *parse.FieldNode:
		if atop {
			c.field(n, n.Ident[0])
		}
	case *parse.VariableNode:
		if len(n.Ident) > 1 && n.Ident[0] == "$" {
			c.field(n, n.Ident[1])
		}
	}
}

// branch checks a branch, in whose list the dot may be something else.
func (c *fieldCheck) branch(n *parse.BranchNode, atop, inside bool) {
	c.node(n.Pipe, atop)
	c.node(n.List, inside)
	c.node(n.ElseList, atop)
}

func (c *fieldCheck) field(n parse.Node, name string) {
	if slices.Contains(fieldNames, name) {
		return
	}
	if c.err != nil {
		return
	}
	where, _ := c.tree.ErrorContext(n)
	hint := "; an event has ." + strings.Join(fieldNames, ", .")
	for _, known := range fieldNames {
		if strings.EqualFold(name, known) {
			hint = "; did you mean ." + known + "?"
		}
	}
	c.err = fmt.Errorf("%s: there is no .%s%s", where, name, hint)
}

// unescapeText replaces the escapes of a template's text.
func unescapeText(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	return []byte(strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r").Replace(string(b)))
}

namespace IccEngine.InContext;

/// <summary>Texts of tokens by their characters.</summary>
internal sealed class TokenTrie
{
    private readonly List<Node> _nodes = [new()];

    /// <summary>Characters of the longest text.</summary>
    public int Depth { get; private set; }

    /// <summary>Adds a token.</summary>
    public void Add(string text, int id)
    {
        var node = 0;
        foreach (var c in text)
        {
            if (!_nodes[node].Children.TryGetValue(c, out var next))
            {
                _nodes[node].Children.Add(c, next = _nodes.Count);
                _nodes.Add(new Node());
            }
            node = next;
        }
        _nodes[node].Ids.Add(id);
        Depth = Math.Max(Depth, text.Length);
    }

    /// <summary>Whether there is a token of this one character.</summary>
    public bool Has(char c) => _nodes[0].Children.TryGetValue(c, out var node) && _nodes[node].Ids.Count > 0;

    /// <summary>The longest token that a text begins with, and its length; -1 where there is none.</summary>
    public (int Id, int Length) Longest(ReadOnlySpan<char> text)
    {
        var (found, node) = ((Id: -1, Length: 0), 0);
        for (var i = 0; i < text.Length && _nodes[node].Children.TryGetValue(text[i], out node); i++)
        {
            if (_nodes[node].Ids.Count > 0)
            {
                found = (_nodes[node].Ids[0], i + 1);
            }
        }
        return found;
    }

    /// <summary>Collects the tokens that a grammar allows: the trie is walked together with the automaton.</summary>
    /// <param name="grammar">The legal answers.</param>
    /// <param name="state">Where the text ends.</param>
    /// <param name="longerThan">Only tokens of more characters than this.</param>
    /// <param name="into">Takes their ids, in the order of the trie.</param>
    public void Collect(AnswerGrammar grammar, in AnswerState state, int longerThan, List<int> into) => Walk(0, 0, grammar, state, longerThan, into);

    private void Walk(int node, int depth, AnswerGrammar grammar, in AnswerState state, int longerThan, List<int> into)
    {
        if (depth > longerThan)
        {
            into.AddRange(_nodes[node].Ids);
        }
        foreach (var (c, child) in _nodes[node].Children)
        {
            var after = state;
            if (grammar.Step(ref after, c, out _))
            {
                Walk(child, depth + 1, grammar, after, longerThan, into);
            }
        }
    }

    private sealed class Node
    {
        public Dictionary<char, int> Children { get; } = [];

        public List<int> Ids { get; } = [];
    }
}

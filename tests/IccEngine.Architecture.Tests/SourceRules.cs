using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace IccEngine.Architecture.Tests;

/// <summary>Rules that a machine can check in one file; each gives its findings as path:line and a remark.</summary>
internal static class SourceRules
{
    private const int MostLines = 500;

    // Written in pieces, for this file is checked too.
    private static readonly Regex _unfinished = new(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK)\b|NotImplemented" + "Exception");
    private static readonly Regex _machinePath = new("/wo" + "rk/|/ro" + "ot/|/tmp/ba" + @"sh|/home/\w+/");
    private static readonly string[] _interop = ["DllImport", "LibraryImport"];
    private static readonly string[] _uncheckedSpans = ["CreateSpan", "CreateReadOnlySpan", "GetReference", "GetArrayDataReference"];

    public static IEnumerable<string> Namespaces(TextFile file) =>
        file.Syntax.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().Select(n => n.Name.ToString());

    /// <summary>Places of a name, in code and in comments.</summary>
    public static IEnumerable<string> Words(TextFile file, string name) =>
        Regex.Matches(file.Text, $@"(?<![\w.]){Regex.Escape(name)}(?!\w)").Select(m => file.At(m.Index));

    /// <summary>A file that has become more than one subject: the aim is 300 lines.</summary>
    public static IEnumerable<string> TooLong(TextFile file)
    {
        var lines = file.Text.AsSpan().Count('\n');
        return lines > MostLines ? [$"{file.Path}: {lines} lines; expected at most {MostLines}"] : [];
    }

    /// <summary>What was left for later.</summary>
    public static IEnumerable<string> Unfinished(TextFile file) =>
        _unfinished.Matches(file.Text).Select(m => $"{file.At(m.Index)}: {m.Value}; expected finished work, or an error that names what is missing");

    /// <summary>Paths that exist on one machine.</summary>
    public static IEnumerable<string> MachinePaths(TextFile file) =>
        _machinePath.Matches(file.Text).Select(m => $"{file.At(m.Index)}: {m.Value}; expected relative paths");

    /// <summary>Errors that vanish: a catch may do nothing only for errors that it names, with a comment that says why.</summary>
    public static IEnumerable<string> EmptyCatches(TextFile file) =>
        from clause in file.Syntax.DescendantNodes().OfType<CatchClauseSyntax>()
        where clause.Block.Statements.Count == 0
        let named = clause.Filter is not null || clause.Declaration is { } d && LastName(d.Type) != nameof(Exception)
        let explained = clause.Block.DescendantTrivia().Any(t => t.IsKind(SyntaxKind.SingleLineCommentTrivia))
        where !(named && explained)
        select $"{file.At(clause.SpanStart)}: an empty catch; expected the error to be handled, or to be named and the reason given";

    /// <summary>Assertions on a literal, which nothing can make fail or pass.</summary>
    public static IEnumerable<string> IdleAssertions(TextFile file) =>
        from call in file.Syntax.DescendantNodes().OfType<InvocationExpressionSyntax>()
        where call.Expression is MemberAccessExpressionSyntax
        {
            Expression: IdentifierNameSyntax { Identifier.Text: "Assert" },
            Name.Identifier.Text: "True" or "False",
        }
        where call.ArgumentList.Arguments is [{ Expression: LiteralExpressionSyntax }, ..]
        select $"{file.At(call.SpanStart)}: {call}; expected an assertion that can fail";

    /// <summary>Unsafe code, whether the language calls it so or only the library does.</summary>
    public static IEnumerable<string> UnsafeCode(TextFile file)
    {
        var keywords = file.Syntax.DescendantTokens().Where(t => t.IsKind(SyntaxKind.UnsafeKeyword) || t.IsKind(SyntaxKind.FixedKeyword))
            .Select(t => (t.SpanStart, t.Text));
        var attributes = file.Syntax.DescendantNodes().OfType<AttributeSyntax>().Where(a => _interop.Contains(LastName(a.Name)))
            .Select(a => (a.SpanStart, a.Name.ToString()));
        var calls = file.Syntax.DescendantNodes().OfType<MemberAccessExpressionSyntax>().Where(IsUncheckedAccess)
            .Select(a => (a.SpanStart, a.ToString()));
        return keywords.Concat(attributes).Concat(calls)
            .Select(f => $"{file.At(f.Item1)}: {f.Item2}; unsafe code stands in {string.Join(", ", Layers.MayBeUnsafe)} only");
    }

    private static bool IsUncheckedAccess(MemberAccessExpressionSyntax access) => LastName(access.Expression) switch
    {
        "Unsafe" => true,
        "MemoryMarshal" => _uncheckedSpans.Contains(access.Name.Identifier.Text),
        _ => false,
    };

    private static string? LastName(ExpressionSyntax expression) => expression switch
    {
        SimpleNameSyntax name => name.Identifier.Text,
        QualifiedNameSyntax name => name.Right.Identifier.Text,
        MemberAccessExpressionSyntax access => access.Name.Identifier.Text,
        _ => null,
    };
}

using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace IccEngine.Architecture.Tests;

/// <summary>The public surface of a compiled assembly as lines of text: every type, and indented below it its members, sorted.</summary>
internal static class PublicApi
{
    private static readonly SymbolDisplayFormat _member =
        Format(SymbolDisplayTypeQualificationStyle.NameAndContainingTypes, SymbolDisplayKindOptions.None);

    private static readonly SymbolDisplayFormat _type =
        Format(SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces, SymbolDisplayKindOptions.IncludeTypeKeyword);

    private static readonly MetadataReference[] _references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(p => MetadataReference.CreateFromFile(p)),
    ];

    /// <summary>The surface of the assembly at <paramref name="path"/>.</summary>
    public static string[] Describe(string path)
    {
        var reference = MetadataReference.CreateFromFile(path);
        var others = _references.Where(r => Path.GetFileName(r.Display) != Path.GetFileName(path));
        var compilation = CSharpCompilation.Create("surface", references: [reference, .. others]);
        var assembly = (IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(reference)!;
        return [.. Types(assembly.GlobalNamespace).OrderBy(t => t.ToDisplayString(), StringComparer.Ordinal).SelectMany(Lines)];
    }

    private static IEnumerable<INamedTypeSymbol> Types(INamespaceOrTypeSymbol container) => container.GetMembers().SelectMany(m => m switch
    {
        INamespaceSymbol space => Types(space),
        INamedTypeSymbol type when IsVisible(type) => [type, .. Types(type)],
        _ => [],
    });

    private static IEnumerable<string> Lines(INamedTypeSymbol type)
    {
        var members = type.GetMembers().Where(m => IsListed(m) && type.TypeKind != TypeKind.Delegate);
        return [Header(type), .. members.Select(m => "  " + m.ToDisplayString(_member)).Order(StringComparer.Ordinal)];
    }

    private static string Header(INamedTypeSymbol type)
    {
        var isClass = type.TypeKind == TypeKind.Class;
        string?[] modifiers =
        [
            type.IsStatic ? "static" : null,
            isClass && type.IsAbstract && !type.IsStatic ? "abstract" : null,
            isClass && type.IsSealed && !type.IsStatic ? "sealed" : null,
        ];
        var parents = type.TypeKind == TypeKind.Enum ? [type.EnumUnderlyingType!] : type.Interfaces.AsEnumerable();
        if (isClass && type.BaseType is { SpecialType: not SpecialType.System_Object } parent)
        {
            parents = parents.Prepend(parent);
        }
        var bases = string.Join(", ", parents.Select(p => p.ToDisplayString(_member)).Where(p => p.Length > 0));
        var words = string.Join(' ', modifiers.OfType<string>().Append(type.ToDisplayString(_type)));
        return bases.Length == 0 ? words : $"{words} : {bases}";
    }

    /// <summary>Not what the compiler makes for a record, nor the accessors that stand with their property.</summary>
    private static bool IsListed(ISymbol member) =>
        IsVisible(member) && member is not INamedTypeSymbol and not IMethodSymbol { AssociatedSymbol: not null } && !member.IsImplicitlyDeclared
        && member.GetAttributes().All(a => a.AttributeClass?.Name != nameof(CompilerGeneratedAttribute));

    private static bool IsVisible(ISymbol symbol) =>
        symbol.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal;

    private static SymbolDisplayFormat Format(SymbolDisplayTypeQualificationStyle qualification, SymbolDisplayKindOptions kind) => new(
        SymbolDisplayGlobalNamespaceStyle.Omitted,
        qualification,
        SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints
            | SymbolDisplayGenericsOptions.IncludeVariance,
        SymbolDisplayMemberOptions.IncludeAccessibility | SymbolDisplayMemberOptions.IncludeModifiers | SymbolDisplayMemberOptions.IncludeType
            | SymbolDisplayMemberOptions.IncludeRef | SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeConstantValue,
        SymbolDisplayDelegateStyle.NameAndSignature,
        SymbolDisplayExtensionMethodStyle.StaticMethod,
        SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeParamsRefOut | SymbolDisplayParameterOptions.IncludeExtensionThis,
        SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        kindOptions: kind,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.AllowDefaultLiteral
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);
}

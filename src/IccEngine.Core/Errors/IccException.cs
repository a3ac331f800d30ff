namespace IccEngine.Core;

/// <summary>
/// Base of every error that a user can cause. The message is one line that names the file, the tensor or the row,
/// what was found and what was expected; the command line prints it as it is, without a stack trace.
/// </summary>
public abstract class IccException : Exception
{
    /// <summary>Creates the error.</summary>
    protected IccException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>A file (weights, configuration, tokenizer, adapter, table) that cannot be read as what it should be.</summary>
public sealed class IccFormatException : IccException
{
    /// <summary>Creates the error.</summary>
    /// <param name="file">Path of the file, as the user gave it.</param>
    /// <param name="message">What was found and what was expected, with its place (tensor, key, line, row).</param>
    /// <param name="inner">The cause, where there is one.</param>
    public IccFormatException(string file, string message, Exception? inner = null)
        : base($"{file}: {message}", inner) => File = file;

    /// <summary>Path of the file, as the user gave it.</summary>
    public string File { get; }
}

/// <summary>A well-formed file that asks for something this engine does not have (a model type, an activation, a rope type).</summary>
public sealed class IccUnsupportedException : IccException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Names the feature and where it was asked for.</param>
    public IccUnsupportedException(string message) : base(message) { }
}

/// <summary>An argument of a call or of a command that is outside its limits, or contradicts another one.</summary>
public sealed class IccArgumentException : IccException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Names the argument, what was found and what was expected.</param>
    public IccArgumentException(string message) : base(message) { }
}

/// <summary>A request that needs more memory than there is.</summary>
public sealed class IccMemoryException : IccException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What was asked for, its size, and what there is.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public IccMemoryException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>A device that is not there, that the engine cannot use, or that failed.</summary>
public sealed class IccDeviceException : IccException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Names the device, what was found, and what would help.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public IccDeviceException(string message, Exception? inner = null) : base(message, inner) { }
}
